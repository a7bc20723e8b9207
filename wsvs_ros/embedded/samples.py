"""Messages as DDS sees them: ROS 2's type and topic names, and samples that stay raw CDR."""

from __future__ import annotations

from functools import cache
from typing import Any

from cyclonedds.core import Entity
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import make_idl_struct
from cyclonedds.idl import types as idl_types
from cyclonedds.topic import Topic
from rosbags.interfaces import Nodetype

from wsvs_ros.embedded.messages import type_name, typestore


def make_topic(participant: DomainParticipant, name: str, message_type: type[Any], *, prefix: str = "rt") -> Topic:
    """
    The DDS topic of a ROS 2 topic.

    :param name: the full name, e.g. `/camera/image_raw`.
    :param prefix: what ROS 2 puts before the names of topics, but of its own few.
    """
    return Topic(participant, f"{prefix}{name}", _sample_type(type_name(message_type)))


def make_service_topics(participant: DomainParticipant, name: str, service_type: type[Any]) -> tuple[Topic, Topic]:
    """
    The DDS topics of a ROS 2 service's requests and replies, as rmw_cyclonedds has them.

    :param name: the full name, e.g. `/camera/get_parameters`.
    """
    request, response = (type_name(part) for part in (service_type.Request, service_type.Response))
    return (
        Topic(participant, f"rq{name}Request", _sample_type(request, identified=True)),
        Topic(participant, f"rr{name}Reply", _sample_type(response, identified=True)),
    )


def make_sample(kind: type[Any], raw: bytes) -> Any:
    """
    A sample that a writer sends as it is.

    :param kind: the writer's `data_type`.
    """
    sample = object.__new__(kind)
    sample.raw = raw
    return sample


def user_data(message_type: type[Any], prefix: str = "") -> bytes:
    """An endpoint's user data: the type hash, without which a Jazzy peer warns of every endpoint."""
    return f"{prefix}typehash={typestore().hash_rihs01(type_name(message_type))};".encode()


def gid(entity: Entity) -> bytes:
    """An entity's id in the domain, 16 bytes."""
    return entity.get_guid().bytes


def delete(entity: Entity | None) -> None:
    """Delete a DDS entity now; the binding alone does it only when the last reference is gone."""
    if entity is not None:
        entity.__del__()


def _serialize(sample: Any, buffer: Any = None, endianness: Any = None, use_version_2: bool | None = None) -> bytes:
    return sample.raw


def _deserialize(kind: type[Any], data: bytes, has_header: bool = True, use_version_2: bool | None = None) -> Any:
    return make_sample(kind, data)


@cache
def _sample_type(name: str, *, identified: bool = False) -> Any:
    """
    The DDS type of a message: ROS 2's names and members on the wire, and samples that stay as they are there.

    Cyclone DDS checks the bytes of a sample against the members; nothing else reads them. `rosbags` turns the
    bytes into a message in a fraction of the time that cyclonedds takes, and without lists.

    :param identified: begin with the client's id and the request's number, as services' messages do.
    """
    package, space, kind = name.split("/")
    members = {"client_guid": idl_types.uint64, "sequence_number": idl_types.int64} if identified else {}
    members |= {field: _member_type(node) for field, node in typestore().fielddefs[name][1]}
    sample: Any = make_idl_struct(f"{kind}_", f"{package}.{space}.dds_.{kind}_", members, dataclassify=False)
    sample.serialize = _serialize
    sample.deserialize = sample.deserialize_key = classmethod(_deserialize)
    return sample


def _member_type(node: Any) -> Any:
    """A member's DDS type from the field description of `rosbags`."""
    kind, detail = node
    kinds: Any = idl_types  # generic by a trick that type checkers do not see
    if kind == Nodetype.NAME:
        return _sample_type(detail)
    if kind == Nodetype.BASE:
        if detail[0] == "string" and detail[1]:
            return kinds.bounded_str[detail[1]]
        plain = {"string": str, "wstring": str, "bool": bool, "byte": kinds.uint8, "char": kinds.uint8}
        return plain.get(detail[0]) or getattr(kinds, detail[0])
    inner, length = _member_type(detail[0]), detail[1]
    if kind == Nodetype.ARRAY:
        return kinds.array[inner, length]
    return kinds.sequence[inner, length] if length else kinds.sequence[inner]
