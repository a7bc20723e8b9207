"""Service: answers requests in rmw_cyclonedds' wire format."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from cyclonedds.core import InstanceState, Policy, ReadCondition, SampleState, ViewState
from cyclonedds.internal import InvalidSample
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader

from wsvs_ros.embedded.context import Context
from wsvs_ros.embedded.errors import EmbeddedError
from wsvs_ros.embedded.logger import Logger
from wsvs_ros.embedded.messages import deserialize, serialize
from wsvs_ros.embedded.qos import QoSProfile
from wsvs_ros.embedded.samples import delete, gid, make_sample, make_service_topics, user_data

_ENCAPSULATION = 4  # bytes of every CDR message
_IDENTITY = 16  # bytes after it: the client's id and the number of its request
_PATIENCE = 0.1  # seconds for a client's reader to be discovered after its writer
_LOOK = 0.01  # seconds between two looks for it
_WAITING = 64  # replies that may wait for their readers; of more the oldest go


class _Reply(NamedTuple):
    """A reply whose client's reader is not known yet."""

    client: bytes
    raw: bytes
    until: float


class Service:
    """
    Answers the requests of one service.

    :param service_type: has `Request` and `Response`.
    :param name: the full name.
    :param callback: given a request and an empty response, returns the response.
    """

    def __init__(
        self,
        context: Context,
        service_type: type[Any],
        name: str,
        callback: Callable[[Any, Any], Any],
        qos: QoSProfile,
    ) -> None:
        self.srv_type = service_type
        self.srv_name = name
        self.callback = callback
        self._context = context
        participant = context.participant
        requests, replies = make_service_topics(participant, name, service_type)
        identity = f"serviceid={context.new_endpoint_id()};"
        self._writer: DataWriter | None = DataWriter(
            participant, replies, qos.to_dds(user_data(service_type.Response, identity))
        )
        self._reader: DataReader | None = DataReader(
            participant, requests, qos.to_dds(user_data(service_type.Request, identity))
        )
        state = ViewState.Any | SampleState.NotRead | InstanceState.Any
        self.condition: ReadCondition | None = ReadCondition(self._reader, state)
        self.gids = ([gid(self._reader)], [gid(self._writer)])
        self.waiting: deque[_Reply] = deque(maxlen=_WAITING)
        self.due = math.inf
        context.wake.set(True)

    def work(self, logger: Logger) -> bool:
        """
        Answer the next request, and those before whose client's reader has appeared.

        :param logger: told what has to be said.
        :return: whether there was one.
        """
        self._send_waiting()
        while self._reader is not None:
            samples = self._reader.take(N=1)
            if not samples:
                return False
            if isinstance(samples[0], InvalidSample):  # a client went away
                continue
            try:
                identity, request = self._parse(samples[0].raw)
            except EmbeddedError as error:
                logger.warning(f"{self.srv_name}: a request was dropped: {error}", throttle_duration_sec=5.0)
                return True
            self._answer(identity, request, samples[0].sample_info.publication_handle)
            return True
        return False

    def destroy(self) -> None:
        """Answer no more."""
        self.waiting.clear()
        self.due = math.inf
        condition, self.condition = self.condition, None
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        for entity in (condition, reader, writer):
            delete(entity)
        self._context.wake.set(True)

    def _parse(self, raw: bytes) -> tuple[bytes, Any]:
        """Who asks, and what."""
        identity, body = raw[_ENCAPSULATION:][:_IDENTITY], raw[:_ENCAPSULATION] + raw[_ENCAPSULATION + _IDENTITY :]
        if len(identity) < _IDENTITY:
            raise EmbeddedError(f"{len(raw)} bytes are no request")
        return identity, deserialize(body, self.srv_type.Request)

    def _answer(self, identity: bytes, request: Any, client: int) -> None:
        response = self.callback(request, self.srv_type.Response())
        reply = bytes(serialize(response))
        if self._writer is None or self._reader is None:  # destroyed by the callback
            return
        name = _client_id(self._reader.get_matched_publication_data(client))
        raw = reply[:_ENCAPSULATION] + identity + reply[_ENCAPSULATION:]
        # written before the client's reader is known, a reply never reaches it; nobody else waits for that
        self.waiting.append(_Reply(name, raw, time.monotonic() + _PATIENCE if name else 0.0))
        self.due = 0.0
        self._send_waiting()

    def _send_waiting(self) -> None:
        """Send the replies whose readers are there, or have been waited for long enough."""
        now, writer = time.monotonic(), self._writer
        if writer is None or now < self.due:
            return
        readers = self._known_readers(writer)
        kept: deque[_Reply] = deque(maxlen=_WAITING)
        for reply in self.waiting:
            if now < reply.until and reply.client not in readers:
                kept.append(reply)
            else:
                writer.write(make_sample(writer.data_type, reply.raw))
        self.waiting = kept
        self.due = now + _LOOK if kept else math.inf

    def _known_readers(self, writer: DataWriter) -> set[bytes]:
        """The clients whose readers listen."""
        handles = writer.get_matched_subscriptions()
        return {_client_id(writer.get_matched_subscription_data(handle)) for handle in handles}


def _client_id(endpoint: Any) -> bytes:
    """What a client calls itself in its endpoints' user data; empty if it does not, or is gone."""
    data = endpoint.qos[Policy.Userdata] if endpoint is not None else None
    pairs = (pair.partition(b"=") for pair in data.data.split(b";")) if data is not None else ()
    return next((value for key, _, value in pairs if key == b"clientid"), b"")
