"""Publisher, over raw CDR in DDS."""

from __future__ import annotations

from typing import Any

from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter

from wsvs_ros.embedded.discovery import LARGEST
from wsvs_ros.embedded.errors import EmbeddedError, InvalidHandle
from wsvs_ros.embedded.messages import serialize
from wsvs_ros.embedded.qos import QoSProfile
from wsvs_ros.embedded.samples import delete, gid, make_sample, make_topic, user_data


class Publisher:
    """Sends messages of one type on a topic."""

    def __init__(self, participant: DomainParticipant, message_type: type[Any], topic: str, qos: QoSProfile) -> None:
        self.topic_name = topic
        self.msg_type = message_type
        self.qos_profile = qos
        self._writer: DataWriter | None = DataWriter(
            participant, make_topic(participant, topic, message_type), qos.to_dds(user_data(message_type))
        )
        self.gids: tuple[list[bytes], list[bytes]] = ([], [gid(self._writer)])

    def publish(self, message: Any) -> None:
        """
        Send a message, or CDR bytes of one.

        :raises TypeError: if the message is of another type than the publisher's.
        :raises InvalidHandle: if the publisher was destroyed.
        :raises EmbeddedError: if it is larger than LARGEST.
        """
        writer = self._living()
        if not isinstance(message, (bytes, memoryview, self.msg_type)):
            raise TypeError(f"{self.topic_name}: {type(message).__name__} given, {self.msg_type.__name__} needed")
        raw = bytes(message if isinstance(message, (bytes, memoryview)) else serialize(message))
        if len(raw) > LARGEST:  # DDS would drop it without a word to the caller
            raise EmbeddedError(
                f"{self.topic_name}: a message of {len(raw)} bytes, {LARGEST} are the most that is sent"
            )
        writer.write(make_sample(writer.data_type, raw))

    def get_subscription_count(self) -> int:
        """
        How many subscriptions match, anywhere on the network.

        :raises InvalidHandle: if the publisher was destroyed.
        """
        return int(self._living().get_publication_matched_status().current_count)

    def destroy(self) -> None:
        """Leave the topic."""
        writer, self._writer = self._writer, None
        delete(writer)

    def _living(self) -> DataWriter:
        if self._writer is None:
            raise InvalidHandle(f"{self.topic_name}: the publisher was destroyed")
        return self._writer
