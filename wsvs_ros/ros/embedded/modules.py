"""The embedded middleware under rclpy's module names."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

from wsvs_ros.ros.embedded import clock, context, errors, executor, logger, messages, node, parameter, qos
from wsvs_ros.ros.embedded.errors import EmbeddedError

_MODULES: dict[str, dict[str, Any]] = {
    "rclpy": {
        "init": context.init,
        "ok": context.ok,
        "shutdown": context.shutdown,
        "try_shutdown": context.try_shutdown,
        "spin": executor.spin,
        "spin_once": executor.spin_once,
    },
    "rclpy.node": {"Node": node.Node},
    "rclpy.executors": {
        "ExternalShutdownException": errors.ExternalShutdownException,
        "SingleThreadedExecutor": executor.SingleThreadedExecutor,
    },
    "rclpy.exceptions": {
        "InvalidParameterTypeException": errors.InvalidParameterTypeException,
        "InvalidParameterValueException": errors.InvalidParameterValueException,
        "ParameterException": errors.ParameterException,
        "ParameterNotDeclaredException": errors.ParameterNotDeclaredException,
    },
    "rclpy.parameter": {"Parameter": parameter.Parameter},
    "rclpy.clock": {"Clock": clock.Clock},
    "rclpy.time": {"Time": clock.Time},
    "rclpy.logging": {"get_logger": logger.Logger},
    "rclpy.qos": {
        name: getattr(qos, name)
        for name in (
            "DurabilityPolicy",
            "HistoryPolicy",
            "QoSDurabilityPolicy",
            "QoSHistoryPolicy",
            "QoSProfile",
            "QoSReliabilityPolicy",
            "ReliabilityPolicy",
            "qos_profile_parameters",
            "qos_profile_sensor_data",
            "qos_profile_system_default",
        )
    },
}


def install() -> None:
    """
    Let `import rclpy` and the imports of message packages find the embedded middleware.

    :raises EmbeddedError: if a real rclpy can be imported; use that one.
    """
    if getattr(sys.modules.get("rclpy"), "__embedded__", False):
        return
    if "rclpy" in sys.modules or importlib.util.find_spec("rclpy") is not None:
        raise EmbeddedError(
            "ROS 2 is sourced here: rclpy is importable, and the embedded middleware does not replace it; "
            "run `ros2 launch wsvs_ros segment.launch.py` or use a shell without ROS 2"
        )
    for name, content in _MODULES.items():
        _put(name, content)
    by_package: dict[str, dict[str, Any]] = {package: {} for package in messages.PACKAGES}
    for full, kind in messages.typestore().types.items():
        package, space, short = full.split("/")
        if package in by_package and space == "msg":
            by_package[package][short] = kind
    for package, kinds in by_package.items():
        _put(package, {})
        _put(f"{package}.msg", kinds)


def _put(name: str, content: dict[str, Any]) -> None:
    module = ModuleType(name)
    module.__dict__.update(content, __embedded__=True, __path__=[])
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
