"""
What the node and the command line rely on, of rclpy and of the embedded middleware alike: one list of cases.

test/embedded runs them on the embedded middleware, test/ros_live on a sourced ROS 2. A case gets rclpy, initialised,
and what its decorator gives it; it makes and destroys its nodes. What it needs of rclpy is in `surface.py`.
"""

from rclpy_contract import endpoints, lifecycle, messages, parameters, spinning
from rclpy_contract.cases import CASES, Case

__all__ = ["CASES", "Case", "endpoints", "lifecycle", "messages", "parameters", "spinning"]
