"""
The part of rclpy that the node needs, for machines without ROS 2: over Cyclone DDS from PyPI, with ROS 2's
names, types and type hashes on the wire, so that any ROS 2 machine on the network sees its topics.

    from wsvs_ros.ros import embedded
    embedded.install()          # from here on `import rclpy` finds the embedded middleware
    import rclpy

It has init, shutdown, spin, Node, parameters (read by the node itself), publishers, subscriptions, timers, QoS
(history, reliability, durability), clock and logger. It has no services, so `ros2 param` cannot reach it; no
actions, no TF, no simulated time, no composition; `ros2 node list` does not show it, `ros2 topic` does.
"""

from __future__ import annotations

from wsvs_ros.ros.embedded.errors import EmbeddedError

__all__ = ["EmbeddedError", "install", "loopback_uri"]


def install() -> None:
    """
    Let `import rclpy` and the imports of message packages find the embedded middleware.

    :raises EmbeddedError: if a real rclpy can be imported, or PyPI's cyclonedds or rosbags cannot.
    """
    try:
        from wsvs_ros.ros.embedded.modules import install as install_modules
    except ImportError as error:
        raise EmbeddedError(
            f"the embedded middleware needs {error.name}: pip install cyclonedds rosbags, or source ROS 2"
        ) from error
    install_modules()


def loopback_uri() -> str:
    """A CYCLONEDDS_URI that keeps all DDS traffic on this machine; set it before `rclpy.init()`."""
    from wsvs_ros.ros.embedded.discovery import LOOPBACK_URI

    return LOOPBACK_URI
