"""What `ros2 node` sees: which nodes this process has and which endpoints are whose (rmw_dds_common)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter

from wsvs_ros.embedded.messages import GID, message_class, serialize
from wsvs_ros.embedded.qos import DurabilityPolicy, QoSProfile
from wsvs_ros.embedded.samples import delete, gid, make_sample, make_topic, user_data

_PROFILE = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)

Gids = Callable[[], tuple[list[bytes], list[bytes]]]


class Graph:
    """Announces the nodes of a participant, on the topic and with the QoS that ROS 2 agreed on."""

    def __init__(self, participant: DomainParticipant) -> None:
        self._gid = _gid(gid(participant))
        self._nodes: dict[object, tuple[str, str, Gids]] = {}
        self._lock = threading.Lock()
        self._said = b""
        self._message = message_class("rmw_dds_common/msg/ParticipantEntitiesInfo")
        topic = make_topic(participant, "ros_discovery_info", self._message, prefix="")
        self._writer: DataWriter | None = DataWriter(participant, topic, _PROFILE.to_dds(user_data(self._message)))

    def add(self, node: object, namespace: str, name: str, gids: Gids) -> None:
        """
        Announce a node that has all that it begins with.

        :param gids: gives those of its readers and of its writers.
        """
        with self._lock:
            self._nodes[node] = (namespace, name, gids)
        self.announce()

    def remove(self, node: object) -> None:
        """Announce that a node goes."""
        with self._lock:
            self._nodes.pop(node, None)
        self.announce()

    def announce(self) -> None:
        """Say what nodes and endpoints there are now, if that is news."""
        with self._lock:
            nodes = [_describe(*node) for node in self._nodes.values()]
            raw = bytes(serialize(self._message(gid=self._gid, node_entities_info_seq=nodes)))
            if self._writer is not None and raw != self._said:
                self._said = raw
                self._writer.write(make_sample(self._writer.data_type, raw))

    def close(self) -> None:
        """Announce nothing more."""
        with self._lock:
            writer, self._writer = self._writer, None
            delete(writer)


def _describe(namespace: str, name: str, gids: Gids) -> Any:
    readers, writers = gids()
    return message_class("rmw_dds_common/msg/NodeEntitiesInfo")(
        node_namespace=namespace,
        node_name=name,
        reader_gid_seq=[_gid(reader) for reader in readers],
        writer_gid_seq=[_gid(writer) for writer in writers],
    )


def _gid(data: bytes) -> Any:
    message = message_class(GID)()
    message.data = data.ljust(len(message.data), b"\0")
    return message
