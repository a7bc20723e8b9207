"""The embedded middleware under rclpy's module names."""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from wsvs_ros.embedded import (
    clock,
    context,
    errors,
    executor,
    lifecycle,
    messages,
    node,
    parameter,
    qos,
    qos_overriding_options,
    signals,
)
from wsvs_ros.embedded.definitions import SERVICES
from wsvs_ros.embedded.errors import EmbeddedError, LeftOutAttribute, unsupported
from wsvs_ros.embedded.surface import MODULES


def _left_out(name: str) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise unsupported(name)

    return refuse


_SOURCES: dict[str, tuple[ModuleType, ...]] = {
    "rclpy": (context, executor),
    "rclpy.clock": (clock,),
    "rclpy.exceptions": (errors,),
    "rclpy.executors": (executor,),
    "rclpy.lifecycle": (lifecycle,),
    "rclpy.node": (node,),
    "rclpy.parameter": (parameter,),
    "rclpy.qos": (qos,),
    "rclpy.qos_overriding_options": (qos_overriding_options,),
    "rclpy.signals": (signals,),
}
"""Where the names of each of rclpy's modules are defined here."""

_LEFT_OUT = ("tf2_ros", "tf2_msgs", "message_filters")


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
    sys.meta_path.insert(0, _LeftOut())
    for name, sources in _SOURCES.items():
        here = {key: value for source in sources for key, value in vars(source).items()}
        _put(name, {key: here[key] for key in MODULES[name]})
    sys.modules["rclpy.executors"].__dict__["MultiThreadedExecutor"] = _left_out("MultiThreadedExecutor")
    sys.modules["rclpy"].__dict__["spin_until_future_complete"] = _left_out("spin_until_future_complete")
    by_package: dict[str, dict[str, Any]] = {package: {} for package in messages.PACKAGES}
    for full, kind in messages.typestore().types.items():
        package, space, short = full.split("/")
        if package in by_package and space == "msg":
            by_package[package][short] = kind
    for package, kinds in by_package.items():
        _put(package, {})
        _put(f"{package}.msg", kinds)
    for package in {name.split("/")[0] for name in SERVICES}:
        names = [name for name in SERVICES if name.startswith(f"{package}/")]
        _put(f"{package}.srv", {name.split("/")[-1]: messages.service_class(name) for name in names})


class _LeftOut(MetaPathFinder):
    """Says of a module that only ROS 2 has where it is to be had."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname in _LEFT_OUT or fullname.startswith("rclpy."):
            raise ModuleNotFoundError(str(unsupported(fullname)), name=fullname)


class _Module(ModuleType):
    """Says of a name that it lacks whether that is for want of ROS 2."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise LeftOutAttribute(str(unsupported(f"{self.__name__}.{name}")))


def _put(name: str, content: dict[str, Any]) -> None:
    module = _Module(name)
    module.__dict__.update(content, __embedded__=True, __path__=[])
    module.__spec__ = ModuleSpec(name, None, is_package=True)  # for importlib.util.find_spec
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
