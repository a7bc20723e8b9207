"""Executors, and the signals that end spinning."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from typing import Any

from rclpy_contract.cases import ROOT, a_node, case


@case()
def signals_may_be_left_to_the_program(ros: Any) -> None:
    from rclpy.signals import SignalHandlerOptions

    ros.shutdown()
    before = signal.getsignal(signal.SIGTERM)
    ros.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    assert ros.ok()
    assert signal.getsignal(signal.SIGTERM) is before
    ros.shutdown()
    assert not ros.ok()


@case()
def an_executor_spins_what_it_was_given(ros: Any) -> None:
    from rclpy.executors import SingleThreadedExecutor

    ticks: list[int] = []
    executor = SingleThreadedExecutor()
    with a_node() as node:
        executor.add_node(node)
        node.create_timer(0.01, lambda: ticks.append(1))
        until = time.monotonic() + 10
        while not ticks and time.monotonic() < until:
            executor.spin_once(timeout_sec=0.05)
        assert ticks
        executor.remove_node(node)
    executor.shutdown()


SPINNER = """
    import sys
    if sys.argv[1] == "embedded":
        from wsvs_ros import embedded
        embedded.install()
    import rclpy
    from rclpy.executors import ExternalShutdownException
    from rclpy.node import Node
    rclpy.init(args=[])
    node = Node("spinner")
    timer = node.create_timer(0.05, lambda: print("tick", flush=True))
    try:
        rclpy.spin(node)
        print("shut down")  # rclpy returns if the context goes between two callbacks
    except KeyboardInterrupt:
        print("interrupted")
    except ExternalShutdownException:
        print("shut down")
    except RuntimeError:  # rclpy's wait set may be made just after the context has gone
        if rclpy.ok():
            raise
        print("shut down")
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    print("end")
"""


@case((signal.SIGINT, ("interrupted", "shut down")), (signal.SIGTERM, ("shut down",)))  # rclpy's SIGINT may be either
def signals_end_spinning(ros: Any, number: signal.Signals, says: tuple[str, ...]) -> None:
    middleware = "embedded" if getattr(ros, "__embedded__", False) else "rclpy"
    words = [sys.executable, "-c", textwrap.dedent(SPINNER), middleware]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == "tick\n"
    child.send_signal(number)
    output, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    *_, said, end = output.splitlines()
    assert said in says
    assert end == "end"
