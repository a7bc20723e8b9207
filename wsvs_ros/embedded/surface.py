"""
The closed list: what of rclpy the node and the command line use, and so all that the embedded middleware has.

A name comes in when `wsvs_ros` begins to use it, with a case in the contract that rclpy keeps as well; a name that is
no longer used goes. What is not here says that it is left out when it is asked for.
"""

from __future__ import annotations

MODULES: dict[str, tuple[str, ...]] = {
    "rclpy": ("init", "ok", "shutdown", "spin", "spin_once", "try_shutdown"),
    "rclpy.clock": ("Clock", "ClockType"),
    "rclpy.exceptions": (
        "InvalidHandle",
        "InvalidParameterException",
        "InvalidParameterTypeException",
        "InvalidParameterValueException",
        "ParameterAlreadyDeclaredException",
        "ParameterException",
        "ParameterNotDeclaredException",
        "ParameterUninitializedException",
    ),
    "rclpy.executors": ("ExternalShutdownException", "SingleThreadedExecutor"),
    "rclpy.lifecycle": ("LifecycleNode", "LifecycleState", "TransitionCallbackReturn"),
    "rclpy.node": ("Node",),
    "rclpy.parameter": ("Parameter",),
    "rclpy.qos": ("DurabilityPolicy", "HistoryPolicy", "QoSPolicyKind", "QoSProfile", "ReliabilityPolicy"),
    "rclpy.qos_overriding_options": ("QoSOverridingOptions",),
    "rclpy.signals": ("SignalHandlerOptions",),
}
"""What can be imported, by module; messages of the packages in `messages.PACKAGES` beside it."""

CLASSES: dict[str, tuple[str, ...]] = {
    "Node": (
        # names
        "get_fully_qualified_name",
        "get_name",
        "get_namespace",
        "resolve_topic_name",
        # endpoints, timers, the log and the time
        "context",
        "create_publisher",
        "create_subscription",
        "create_timer",
        "destroy_node",
        "destroy_publisher",
        "destroy_subscription",
        "destroy_timer",
        "get_clock",
        "get_logger",
        "publishers",
        "services",
        "subscriptions",
        "timers",
        # parameters; the services of `ros2 param` ask for the last six
        "add_on_set_parameters_callback",
        "declare_parameter",
        "get_parameter",
        "describe_parameters",
        "get_parameter_types",
        "get_parameters",
        "list_parameters",
        "set_parameters",
        "set_parameters_atomically",
    ),
    "LifecycleNode": (
        "on_activate",
        "on_cleanup",
        "on_configure",
        "on_deactivate",
        "on_error",
        "on_shutdown",
        "trigger_activate",
        "trigger_cleanup",
        "trigger_configure",
        "trigger_deactivate",
        "trigger_shutdown",
    ),
    "Publisher": ("destroy", "get_subscription_count", "msg_type", "publish", "qos_profile", "topic_name"),
    "Subscription": ("callback", "destroy", "msg_type", "qos_profile", "topic_name"),
    "Timer": ("callback", "cancel", "clock", "destroy", "is_canceled", "reset"),
    "Clock": ("clock_type", "now"),
    "Time": ("clock_type", "nanoseconds", "to_msg"),
    "Duration": ("nanoseconds",),
    "Logger": ("debug", "error", "fatal", "info", "name", "warning"),
    "Parameter": ("Type", "from_parameter_msg", "get_parameter_value", "name", "to_parameter_msg", "type_", "value"),
    "QoSProfile": ("depth", "durability", "history", "lifespan", "reliability"),
    "SingleThreadedExecutor": ("add_node", "remove_node", "shutdown", "spin", "spin_once"),
}
"""The public attributes of the classes; a lifecycle node has a node's as well."""
