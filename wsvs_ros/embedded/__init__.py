"""
The part of rclpy that the node needs, for machines without ROS 2: over Cyclone DDS from PyPI, with ROS 2's
names, types and type hashes on the wire, so that any ROS 2 machine on the network sees its topics.

    from wsvs_ros import embedded
    embedded.install()          # from here on `import rclpy` finds the embedded middleware
    import rclpy

What is there, with rclpy's names, signatures and meaning:

- `rclpy`: init, shutdown, try_shutdown, ok, create_node, spin, spin_once; SingleThreadedExecutor.
- `Node`: publishers, subscriptions, timers, clock, logger (also on `/rosout`), remapping, namespaces.
- Parameters with descriptors, ranges and callbacks, from the command line and files with patterns; their services
  and `/parameter_events`, so `ros2 param` reads, sets and dumps them.
- `rclpy.lifecycle.LifecycleNode` with its services and `~/transition_event`, so `ros2 lifecycle` manages it.
- QoS: history, depth, reliability, durability, lifespan, and QoSOverridingOptions.
- `ros_discovery_info`, so `ros2 node list` and `ros2 node info` show it. The format is that of Iron and later; peers of
  Humble have another one, which ROS_DISTRO=humble in the environment gives them.
- ROS_DOMAIN_ID, ROS_AUTOMATIC_DISCOVERY_RANGE, ROS_STATIC_PEERS, ROS_LOCALHOST_ONLY; a CYCLONEDDS_URI wins.
- The messages of the packages in `messages.PACKAGES`; those services that a node answers.

What is left out, and says so when it is asked for: services and clients of one's own (create_service,
create_client, spin_until_future_complete), actions, TF, simulated time (use_sim_time), MultiThreadedExecutor (callback
groups are accepted and change nothing), create_rate, guard conditions, lifecycle publishers, undeclared parameters,
deadline and liveliness policies, event callbacks, content filters, composition, security, type descriptions as a
service. One context a process. Peers need rmw_cyclonedds: other DDS vendors' services have another request header.
"""

from __future__ import annotations

from wsvs_ros.embedded.errors import EmbeddedError

__all__ = ["EmbeddedError", "install", "loopback_uri"]


def install() -> None:
    """
    Let `import rclpy` and the imports of message packages find the embedded middleware.

    :raises EmbeddedError: if a real rclpy can be imported, or PyPI's cyclonedds or rosbags cannot.
    """
    try:
        from wsvs_ros.embedded.modules import install as install_modules
    except ImportError as error:
        raise EmbeddedError(
            f"the embedded middleware needs {error.name}: pip install cyclonedds rosbags, or source ROS 2"
        ) from error
    install_modules()


def loopback_uri() -> str:
    """A CYCLONEDDS_URI that keeps all DDS traffic on this machine; set it before `rclpy.init()`."""
    from wsvs_ros.embedded.discovery import LOOPBACK_URI

    return LOOPBACK_URI
