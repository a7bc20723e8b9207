"""Message and service definitions that `rosbags` does not bring: those of the services that a node answers."""

from __future__ import annotations

MESSAGES = {
    "vision_msgs/msg/VisionClass": "uint16 class_id\nstring class_name\n",
    "vision_msgs/msg/LabelInfo": "std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold\n",
}
"""The fields of each message, as a .msg file has them."""

_NOTHING = "uint8 structure_needs_at_least_one_member\n"  # what ROS 2 sends for a message without fields
_NAMES = "string[] names\n"
_TRANSITIONS = "lifecycle_msgs/TransitionDescription[] available_transitions\n"

SERVICES = {
    "rcl_interfaces/srv/DescribeParameters": (_NAMES, "rcl_interfaces/ParameterDescriptor[] descriptors\n"),
    "rcl_interfaces/srv/GetParameters": (_NAMES, "rcl_interfaces/ParameterValue[] values\n"),
    "rcl_interfaces/srv/GetParameterTypes": (_NAMES, "uint8[] types\n"),
    "rcl_interfaces/srv/ListParameters": (
        "uint64 DEPTH_RECURSIVE=0\nstring[] prefixes\nuint64 depth\n",
        "rcl_interfaces/ListParametersResult result\n",
    ),
    "rcl_interfaces/srv/SetParameters": (
        "rcl_interfaces/Parameter[] parameters\n",
        "rcl_interfaces/SetParametersResult[] results\n",
    ),
    "rcl_interfaces/srv/SetParametersAtomically": (
        "rcl_interfaces/Parameter[] parameters\n",
        "rcl_interfaces/SetParametersResult result\n",
    ),
    "lifecycle_msgs/srv/ChangeState": ("lifecycle_msgs/Transition transition\n", "bool success\n"),
    "lifecycle_msgs/srv/GetState": (_NOTHING, "lifecycle_msgs/State current_state\n"),
    "lifecycle_msgs/srv/GetAvailableStates": (_NOTHING, "lifecycle_msgs/State[] available_states\n"),
    "lifecycle_msgs/srv/GetAvailableTransitions": (_NOTHING, _TRANSITIONS),
}
"""The fields of each service's request and response."""
