"""Publisher, subscription and timer, over raw CDR in DDS."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import make_idl_struct
from cyclonedds.idl import types as idl_types
from cyclonedds.internal import InvalidSample
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from rosbags.interfaces import Nodetype

from wsvs_ros.ros.embedded.messages import deserialize, serialize, type_name, typestore
from wsvs_ros.ros.embedded.qos import QoSProfile


def _serialize(sample: Any, buffer: Any = None, endianness: Any = None, use_version_2: bool | None = None) -> bytes:
    return sample.raw


def _deserialize(kind: type[Any], data: bytes, has_header: bool = True, use_version_2: bool | None = None) -> Any:
    sample = object.__new__(kind)
    sample.raw = data
    return sample


@cache
def _sample_type(name: str) -> Any:
    """
    The DDS type of a message: ROS 2's names and members on the wire, and samples that stay as they are there.

    Cyclone DDS checks the bytes of a sample against the members; nothing else reads them. `rosbags` turns the
    bytes into a message in a fraction of the time that cyclonedds takes, and without lists.
    """
    package, _, kind = name.split("/")
    members = {field: _member_type(node) for field, node in typestore().fielddefs[name][1]}
    sample: Any = make_idl_struct(f"{kind}_", f"{package}.msg.dds_.{kind}_", members, dataclassify=False)
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
        plain = {"string": str, "wstring": str, "bool": bool, "byte": kinds.uint8, "char": kinds.uint8}
        return plain.get(detail[0]) or getattr(kinds, detail[0])
    inner, length = _member_type(detail[0]), detail[1]
    if kind == Nodetype.ARRAY:
        return kinds.array[inner, length]
    return kinds.sequence[inner, length] if length else kinds.sequence[inner]


def _topic(participant: DomainParticipant, name: str, message_type: type[Any]) -> Topic:
    return Topic(participant, f"rt{name}", _sample_type(type_name(message_type)))


def _user_data(message_type: type[Any]) -> bytes:
    """The type hash, without which a Jazzy peer warns of every endpoint."""
    return f"typehash={typestore().hash_rihs01(type_name(message_type))};".encode()


class Publisher:
    """Sends messages of one type on a topic."""

    def __init__(self, participant: DomainParticipant, message_type: type[Any], topic: str, qos: QoSProfile) -> None:
        self.topic_name = topic
        self.msg_type = message_type
        self.qos_profile = qos
        self._writer: DataWriter | None = DataWriter(
            participant, _topic(participant, topic, message_type), qos.to_dds(_user_data(message_type))
        )

    def publish(self, message: Any) -> None:
        """
        Send a message, or CDR bytes of one.

        :raises TypeError: if the message is of another type than the publisher's.
        """
        if self._writer is None:
            return
        if not isinstance(message, (bytes, memoryview, self.msg_type)):
            raise TypeError(f"{self.topic_name}: {type(message).__name__} given, {self.msg_type.__name__} needed")
        sample: Any = object.__new__(self._writer.data_type)
        sample.raw = bytes(message if isinstance(message, (bytes, memoryview)) else serialize(message))
        self._writer.write(sample)

    def get_subscription_count(self) -> int:
        """How many subscriptions match, anywhere on the network."""
        if self._writer is None:
            return 0
        return int(self._writer.get_publication_matched_status().current_count)

    def destroy(self) -> None:
        """Leave the topic."""
        self._writer = None


class Subscription:
    """
    Receives messages of one type on a topic.

    :param callback: called with each message by whoever spins.
    :param raw: give the callback the CDR bytes instead.
    """

    def __init__(
        self,
        participant: DomainParticipant,
        message_type: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        qos: QoSProfile,
        *,
        raw: bool = False,
    ) -> None:
        self.topic_name = topic
        self.msg_type = message_type
        self.qos_profile = qos
        self.callback = callback
        self.raw = raw
        self._reader: DataReader | None = DataReader(
            participant, _topic(participant, topic, message_type), qos.to_dds(_user_data(message_type))
        )
        self.condition = ReadCondition(self._reader, ViewState.Any | SampleState.NotRead | InstanceState.Any)

    def take(self) -> Any | None:
        """
        The next message, None when there is none.

        :raises EmbeddedError: if what came is no message of the type; it is gone then.
        """
        while self._reader is not None:
            samples = self._reader.take(N=1)
            if not samples:
                return None
            if isinstance(samples[0], InvalidSample):  # a writer went away
                continue
            data = samples[0].raw
            return data if self.raw else deserialize(data, self.msg_type)
        return None

    def get_publisher_count(self) -> int:
        """How many publishers match, anywhere on the network."""
        if self._reader is None:
            return 0
        return int(self._reader.get_subscription_matched_status().current_count)

    def destroy(self) -> None:
        """Leave the topic."""
        self._reader = None


@dataclass
class Timer:
    """Calls back every `period` seconds, by whoever spins."""

    period: float
    callback: Callable[[], None]
    due: float = 0.0

    def __post_init__(self) -> None:
        self.due = time.monotonic() + self.period

    def cancel(self) -> None:
        """Call back no more."""
        self.due = float("inf")

    def reset(self) -> None:
        """Begin a new period."""
        self.due = time.monotonic() + self.period

    def fire(self, now: float) -> bool:
        """Call back if due; a period that was missed is left out."""
        if now < self.due:
            return False
        self.due = max(self.due + self.period, now)
        self.callback()
        return True
