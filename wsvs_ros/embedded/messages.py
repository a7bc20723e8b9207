"""Message classes in ROS 2's style over the types of `rosbags`, and their CDR.

A class takes its fields as keyword arguments, has ROS's defaults and refuses what a field cannot hold; sequences of
numbers may be arrays, bytes, lists or ndarrays.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from wsvs_ros.embedded.definitions import MESSAGES, SERVICES
from wsvs_ros.embedded.errors import EmbeddedError
from wsvs_ros.embedded.fields import DTYPES, Octet, as_array, check_of, same

PACKAGES = (
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "rcl_interfaces",
    "rmw_dds_common",
    "sensor_msgs",
    "std_msgs",
    "vision_msgs",
)
"""The message packages at hand."""

GID = "rmw_dds_common/msg/Gid"


@lru_cache(maxsize=1)
def typestore() -> Typestore:
    """ROS 2's message types, with the classes of the packages at hand put in place of rosbags' own."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, text in MESSAGES.items():
        store.register(get_types_from_msg(text, name))
    for name, texts in SERVICES.items():
        for text, part in zip(texts, ("Request", "Response"), strict=True):
            # the parser knows names of messages only
            (fields,) = get_types_from_msg(text, f"{name}_{part}".replace("/srv/", "/msg/")).values()
            store.register({f"{name}_{part}": fields})
    if os.environ.get("ROS_DISTRO") == "humble":  # the peers'; Iron made their ids shorter
        store.fielddefs.update(get_types_from_msg("uint8[24] data\n", GID))
    for name in list(store.types):
        if name.split("/")[0] in PACKAGES:
            constants, members = store.fielddefs[name]
            store.fielddefs[name] = (constants, [(member, _without_char(node)) for member, node in members])
            store.types[name] = _message_class(name, store)
    return store


def message_class(name: str) -> type[Any]:
    """
    The class of a type, e.g. `sensor_msgs/msg/Image`.

    :raises EmbeddedError: if there is no such type.
    """
    try:
        return typestore().types[name]
    except KeyError:
        raise EmbeddedError(f"no message type {name!r}; packages at hand: {', '.join(PACKAGES)}") from None


@cache
def service_class(name: str) -> type[Any]:
    """
    The class of a service, with its `Request` and `Response`, e.g. `rcl_interfaces/srv/GetParameters`.

    :raises EmbeddedError: if there is no such service.
    """
    parts = {part: message_class(f"{name}_{part}") for part in ("Request", "Response")}
    return type(name.split("/")[-1], (), {**parts, "__srvtype__": name})


def type_name(message_type: type[Any]) -> str:
    """The type's name, e.g. `sensor_msgs/msg/Image`."""
    return str(message_type.__msgtype__)


def serialize(message: Any) -> bytes | memoryview:
    """A message as CDR, with its 4-byte encapsulation header."""
    return typestore().serialize_cdr(_normalise(message), type_name(type(message)))


def deserialize(data: bytes, message_type: type[Any]) -> Any:
    """
    A message from CDR.

    :raises EmbeddedError: if the bytes are no such message.
    """
    try:
        return typestore().deserialize_cdr(data, type_name(message_type))
    except Exception as error:
        raise EmbeddedError(f"{len(data)} bytes are no {type_name(message_type)}: {error}") from error


def _message_class(name: str, store: Typestore) -> type[Any]:
    base = store.types[name]
    fields = store.fielddefs[name][1]
    defaults: dict[str, Callable[[], Any]] = {field: _default(node, store) for field, node in fields}

    checks = {field: check_of(node, lambda name: store.types[name]) for field, node in fields}
    octets = [field for field, node in fields if _is_octet(node)]

    def __init__(self: Any, *ordered: Any, **values: Any) -> None:
        content = vars(self)
        content.update(zip(defaults, ordered, strict=False))  # the way rosbags builds them: what came is right
        for field in octets if ordered else ():
            content[field] = Octet([content[field]])
        for field, default in defaults.items():
            if field not in content and field not in values:
                content[field] = default()
        for field, value in values.items():
            setattr(self, field, value)

    def __setattr__(self: Any, field: str, value: Any) -> None:
        if field not in checks:
            raise AttributeError(f"{name} has no field {field}; it has {', '.join(defaults)}")
        vars(self)[field] = checks[field](field, value)

    def __eq__(self: Any, other: Any) -> bool:
        return type(other) is type(self) and all(same(value, getattr(other, key)) for key, value in vars(self).items())

    constants = {
        constant: Octet([int(value)]) if kind == "byte" else value for constant, kind, value in store.fielddefs[name][0]
    }
    methods = {"__init__": __init__, "__setattr__": __setattr__, "__eq__": __eq__, "__hash__": None}
    return type(name.split("/")[-1], (base,), {**methods, "__msgtype__": name, **constants})


def _is_octet(node: Any) -> bool:
    return node[0] == Nodetype.BASE and node[1][0] == "byte"


def _without_char(node: Any) -> Any:
    """A field with `char` as uint8: ROS 2 makes it that before it hashes a type, `rosbags` does not."""
    kind, detail = node
    if kind == Nodetype.BASE:
        return (kind, ("uint8", detail[1])) if detail[0] == "char" else node
    if kind == Nodetype.NAME:
        return node
    return kind, (_without_char(detail[0]), detail[1])


def _default(node: Any, store: Typestore) -> Callable[[], Any]:
    kind, detail = node
    if kind == Nodetype.NAME:
        return lambda: store.types[detail]()
    if kind == Nodetype.BASE:
        plain: dict[str, Any] = {"string": "", "wstring": "", "bool": False, "byte": Octet(1)}
        value = plain.get(detail[0], 0.0 if "float" in detail[0] else 0)
        return lambda: value
    inner, length = detail
    if inner[0] == Nodetype.BASE and inner[1][0] in DTYPES:
        return lambda: np.zeros(length if kind == Nodetype.ARRAY else 0, DTYPES[inner[1][0]])
    return lambda: [_default(inner, store)() for _ in range(length if kind == Nodetype.ARRAY else 0)]


def _normalise(message: Any) -> Any:
    """Bring sequences of numbers into the arrays that the serialiser wants; in place, without a copy of bytes."""
    store = typestore()
    for field, (kind, detail) in store.fielddefs[type_name(type(message))][1]:
        value = getattr(message, field)
        if kind == Nodetype.NAME:
            _normalise(value)
        elif kind != Nodetype.BASE:
            inner = detail[0]
            if inner[0] == Nodetype.NAME:
                for item in value:
                    _normalise(item)
            elif inner[1][0] in DTYPES:
                vars(message)[field] = as_array(value, inner[1][0])
    return message
