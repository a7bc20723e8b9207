"""Subscription, over raw CDR in DDS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cyclonedds.core import DDSException, InstanceState, ReadCondition, SampleState, ViewState
from cyclonedds.internal import InvalidSample
from cyclonedds.sub import DataReader

from wsvs_ros.embedded.context import Context
from wsvs_ros.embedded.errors import EmbeddedError
from wsvs_ros.embedded.logger import Logger
from wsvs_ros.embedded.messages import deserialize
from wsvs_ros.embedded.qos import QoSProfile, ReliabilityPolicy, policy_name
from wsvs_ros.embedded.samples import delete, gid, make_topic, user_data

READER_BYTES = 300_000_000
"""Of waiting messages that a subscription keeps; of larger ones fewer wait than the depth allows."""


class Subscription:
    """
    Receives messages of one type on a topic.

    Best effort means on loopback: reliable, if all publishers are. An image is larger than what the kernel keeps
    for a socket on most machines (`net.core.rmem_max`), and there only asking again brings all of it; no slow
    network can make the publisher wait for it.

    :param callback: called with each message by whoever spins.
    :param raw: give the callback the CDR bytes instead.
    """

    def __init__(
        self,
        context: Context,
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
        self._context = context
        self._tries_reliable = context.loopback and qos.reliability == ReliabilityPolicy.BEST_EFFORT
        self._reader: DataReader | None = None
        self.condition: ReadCondition | None = None
        self._depth = qos.depth
        self._complaint = ""
        self._open(replace(qos, reliability=ReliabilityPolicy.RELIABLE) if self._tries_reliable else qos)

    def work(self, logger: Logger) -> bool:
        """
        Call back with the next message.

        :param logger: told what has to be said.
        :return: whether there was one.
        """
        try:
            complaint = self.check_publishers()
            if complaint:
                logger.warning(complaint)
            message = self.take()
            if self._complaint:
                logger.warning(self._complaint)
                self._complaint = ""
        except EmbeddedError as error:
            logger.warning(f"{self.topic_name}: a message was dropped: {error}", throttle_duration_sec=5.0)
            return True
        except DDSException:
            if self._reader is None:  # another thread destroyed it meanwhile
                return False
            raise
        if message is None:
            return False
        if self._reader is not None:  # the same
            self.callback(message)
        return True

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
            self._keep_within(len(data))
            return data if self.raw else deserialize(data, self.msg_type)
        return None

    def check_publishers(self) -> str:
        """What is to be said about a new publisher that offers less than was asked for; mostly nothing."""
        if self._reader is None:
            return ""
        status = self._reader.get_requested_incompatible_qos_status()
        if status is None or status.total_count_change <= 0:
            return ""
        policy = policy_name(status.last_policy_id)
        if self._tries_reliable and policy == "RELIABILITY":
            self._tries_reliable = False
            self._close()
            self._open(self.qos_profile)
            self._context.graph.announce()
            return ""
        return (
            f"New publisher discovered on topic '{self.topic_name}', offering incompatible QoS. "
            f"No messages will be received from it. Last incompatible policy: {policy}"
        )

    def destroy(self) -> None:
        """Leave the topic."""
        self._close()
        self._context.wake.set(True)

    def _keep_within(self, size: int) -> None:
        """Let no more messages wait than READER_BYTES hold, of the size of one that came."""
        limit = max(READER_BYTES // size, 1)
        if self._reader is None or self._depth <= limit:
            return
        self._complaint = (
            f"{self.topic_name}: of messages of {size} bytes {limit} may wait, not {self._depth}: "
            f"{READER_BYTES} bytes are the most that a subscription keeps"
        )
        self._depth = limit
        self._close()
        self._open(self._qos)
        self._context.graph.announce()

    def _open(self, qos: QoSProfile) -> None:
        participant = self._context.participant
        topic = make_topic(participant, self.topic_name, self.msg_type)
        self._qos = qos
        asked = replace(qos, depth=self._depth)
        self._reader = DataReader(participant, topic, asked.to_dds(user_data(self.msg_type)))
        self.gids: tuple[list[bytes], list[bytes]] = ([gid(self._reader)], [])
        self.condition = ReadCondition(self._reader, ViewState.Any | SampleState.NotRead | InstanceState.Any)
        self._context.wake.set(True)  # whoever spins waits for the new condition from here on

    def _close(self) -> None:
        condition, self.condition = self.condition, None
        reader, self._reader = self._reader, None
        delete(condition)
        delete(reader)
