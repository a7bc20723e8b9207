"""The node as a process: from the command line to the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from wsvs_ros.errors import WsvsError
from wsvs_ros.ros.stopping import StopSignals, leave

_SLICE = 0.1  # seconds that spinning may wait before it looks for a signal


def main(args: Sequence[str] | None = None) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    :return: 0 when it was stopped, in whatever state; 2 if it cannot start, and standard error says why.
    """
    try:
        with StopSignals() as stop:
            return run(args, stop)
    finally:
        _let_go_of_streams()


def run(args: Sequence[str] | None, stop: StopSignals) -> int:
    """
    Run the node until it shall stop.

    :param stop: in its context, so that a signal during the imports below is not lost.
    :return: the exit status, see `main`.
    """
    import rclpy
    from rclpy.exceptions import ParameterException
    from rclpy.signals import SignalHandlerOptions

    from wsvs_ros.ros.node import SegmentationNode

    node = None
    try:
        try:
            rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
            node = SegmentationNode()
        except (WsvsError, ParameterException, RuntimeError, ValueError) as error:
            # rclpy's own: of remaps, parameter files and names that it does not understand
            _say(error)
            return 2
        if node.settings.autostart and not stop.requested and not node.start():
            return 2  # and the log says why
        _spin(node, stop)
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
        if node is not None and node.hung:
            leave("an inference did not come back")
    return 0


def _let_go_of_streams() -> None:
    """What cannot be written to a full disk makes no other exit status."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _say(error: Exception) -> None:
    with suppress(OSError):
        print(f"error: {error}", file=sys.stderr)


def _spin(node: object, stop: StopSignals) -> None:
    from rclpy.executors import SingleThreadedExecutor

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not stop.requested:
            executor.spin_once(timeout_sec=_SLICE)
    finally:
        executor.remove_node(node)


if __name__ == "__main__":
    sys.exit(main())
