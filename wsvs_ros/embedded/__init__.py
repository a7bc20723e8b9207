"""
The part of rclpy that the node needs, for machines without ROS 2: over Cyclone DDS from PyPI, with ROS 2's
names, types and type hashes on the wire, so that any ROS 2 machine on the network sees its topics.

    from wsvs_ros import embedded
    embedded.install()          # from here on `import rclpy` finds the embedded middleware
    import rclpy

What is there, with rclpy's names, signatures and meaning, is a closed list: `surface.py`. In short: nodes and managed
nodes with publishers, subscriptions, timers, clock and logger (also on `/rosout`); parameters with descriptors, ranges
and a callback, from the command line and from files; the services of `ros2 param` and `ros2 lifecycle`;
`ros_discovery_info`, so that `ros2 node` shows the nodes (in the format of Iron and later; peers of Humble have another
one, which ROS_DISTRO=humble in the environment gives them); QoS history, depth, reliability and durability, and
overrides of them by parameters; ROS_DOMAIN_ID, ROS_AUTOMATIC_DISCOVERY_RANGE, ROS_STATIC_PEERS and ROS_LOCALHOST_ONLY,
over which a CYCLONEDDS_URI wins; the messages of the packages in `messages.PACKAGES`.

What a program may rely on here and with rclpy alike is a list of cases that both run: `test/rclpy_contract`.

Anything else says that it is left out when it is asked for: services and clients of one's own, actions, TF, simulated
time, other executors than the single-threaded one, callback groups, deadline and liveliness, KEEP_ALL, patterns in
remapping rules. One context a process. Peers need rmw_cyclonedds: other DDS vendors' services have another request
header.

Where it differs from rclpy:

- Messages check every field that is assigned, as rclpy does on Humble and with ROS_PYTHON_CHECK_FIELDS=1 later, and
  refuse a name that is no field. Sequences of numbers that come in are ndarrays, not `array.array`; `byte[]` is uint8.
- Timers count time that only runs forward, whichever clock they are of; a period that was missed is left out.
- A message that is larger than `discovery.LARGEST` is neither sent nor taken (a CYCLONEDDS_URI may say otherwise),
  and of messages whose size it has seen a subscription keeps `subscription.READER_BYTES` at most, whatever its depth.
- On loopback, best effort means reliable if all publishers are; see `Subscription`.
- SIGINT ends spinning after the callback that it came in, with KeyboardInterrupt.
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
