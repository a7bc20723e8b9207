"""init, shutdown and ok: one DDS participant a process, as rmw_cyclonedds has it."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from cyclonedds.core import DDSException, GuardCondition, Policy, Qos
from cyclonedds.domain import Domain, DomainParticipant

from wsvs_ros.embedded import discovery
from wsvs_ros.embedded.errors import EmbeddedError
from wsvs_ros.embedded.graph import Graph
from wsvs_ros.embedded.names import RosArguments, parse_arguments
from wsvs_ros.embedded.samples import delete, gid
from wsvs_ros.embedded.signals import SignalHandlerOptions


class Context:
    """
    The process's connection to the DDS domain.

    :param arguments: the ROS arguments of the command line.
    :raises EmbeddedError: if ROS_DOMAIN_ID is no number, or DDS does not start with it.
    """

    def __init__(self, arguments: RosArguments) -> None:
        self.arguments = arguments
        self.stopped = threading.Event()
        self.terminated = self.interrupted = False
        self.spinning = False
        self.loopback = discovery.is_local()
        config = discovery.configuration() or os.environ.get("CYCLONEDDS_URI", "")
        domain = os.environ.get("ROS_DOMAIN_ID") or "0"
        if not domain.isdigit() or int(domain) > 232:
            raise EmbeddedError(f"ROS_DOMAIN_ID={domain}: a number from 0 to 232 is needed")
        self._domain: Domain | None = None
        try:
            self._domain = _make_domain(int(domain), f"{discovery.BOUND},{config}".rstrip(","))
            self.participant = DomainParticipant(int(domain), Qos(Policy.Userdata(b"enclave=/;")))
        except DDSException as error:
            delete(self._domain)
            raise EmbeddedError(
                f"DDS does not start in domain {domain}: {error.msg}; check CYCLONEDDS_URI and the network"
            ) from None
        self.wake = GuardCondition(self.participant)
        self.graph = Graph(self.participant)
        self._endpoint_numbers = itertools.count(1)

    def new_endpoint_id(self) -> str:
        """An id of a service, in the notation of rmw_cyclonedds: no other in the domain has it."""
        number = next(self._endpoint_numbers).to_bytes(4, "big")
        return ".".join(f"{byte:x}" for byte in gid(self.participant)[:12] + number)

    def close(self) -> None:
        """Leave the domain, with all nodes."""
        self.stop()
        self.graph.close()
        delete(self.participant)  # and all that is in it
        delete(self._domain)

    def stop(self) -> None:
        """Let whoever spins return."""
        self.stopped.set()
        self.wake.set(True)


def _make_domain(number: int, config: str) -> Domain:
    try:
        return Domain(number, config)
    except DDSException:
        return Domain(number, discovery.without_network(config))


_current: Context | None = None
_previous_handlers: dict[signal.Signals, Any] = {}


def current() -> Context:
    """
    The running context.

    :raises EmbeddedError: before `init` or after `shutdown`.
    """
    if _current is None:
        raise EmbeddedError("rclpy.init() has not been called")
    return _current


def init(
    *,
    args: Sequence[str] | None = None,
    context: Any = None,
    domain_id: int | None = None,
    signal_handler_options: SignalHandlerOptions | None = None,
) -> None:
    """
    Connect to the domain of ROS_DOMAIN_ID. SIGTERM and SIGINT end spinning between two callbacks, with
    ExternalShutdownException and KeyboardInterrupt; SIGINT interrupts at once where nobody spins.

    :param args: the command line; `sys.argv` when None.
    :param domain_id: instead of ROS_DOMAIN_ID.
    :param signal_handler_options: which signals are handled so; both when None.
    """
    global _current
    if context is not None:
        raise EmbeddedError("the embedded middleware has one context; leave out `context`")
    if _current is not None:
        raise EmbeddedError("rclpy.init() was called twice without shutdown()")
    if domain_id is not None:
        os.environ["ROS_DOMAIN_ID"] = str(domain_id)
    _current = Context(parse_arguments(sys.argv if args is None else args))
    if threading.current_thread() is threading.main_thread():
        wanted = SignalHandlerOptions.ALL if signal_handler_options is None else signal_handler_options
        if wanted & SignalHandlerOptions.SIGTERM:
            _previous_handlers[signal.SIGTERM] = signal.signal(signal.SIGTERM, _terminate)
        if wanted & SignalHandlerOptions.SIGINT:
            _previous_handlers[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)


def _terminate(_number: int, _frame: Any) -> None:
    if _current is not None:
        _current.terminated = True
        _current.stop()


def _interrupt(number: int, frame: Any) -> None:
    """Not in the midst of a callback or of a call into DDS: what those hold would be torn."""
    if _current is None or not _current.spinning or _current.interrupted:
        signal.default_int_handler(number, frame)
    _current.interrupted = True
    _current.stop()


def ok(*, context: Any = None) -> bool:
    """Whether the context runs."""
    return _current is not None and not _current.stopped.is_set()


def shutdown(*, context: Any = None) -> None:
    """
    Leave the domain, with all nodes.

    :raises EmbeddedError: if the context does not run.
    """
    global _current, _previous_handlers
    stopping = current()
    _current = None
    stopping.close()
    if threading.current_thread() is threading.main_thread():
        for number, handler in _previous_handlers.items():
            signal.signal(number, handler)
        _previous_handlers = {}


def try_shutdown(*, context: Any = None) -> None:
    """Leave the domain if the context still runs."""
    if _current is not None:
        shutdown()
