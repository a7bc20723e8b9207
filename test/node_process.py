"""`faulty_node.py` as a process, on any middleware: shared by test/ros and test/ros_live."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_IMPATIENT = (signal.SIGINT, signal.SIGINT, signal.SIGTERM)  # as a terminal and a launch file send them
REACHED = {  # what each state's fault is, and what is said when it is reached
    "beginning": ("none", "<begin>"),
    "building": ("building", "<building>"),
    "unconfigured": ("none", "<made>"),
    "inactive": ("passive", "<passive>"),
    "active": ("none", "-> /segmentation/label"),
    "streaming": ("none", "-> /segmentation/label"),
    "hanging": ("hanging", "-> /segmentation/label"),
}
SIGNALS = [
    *((state, _IMPATIENT) for state in REACHED),
    *((state, (signal.SIGTERM,)) for state in ("beginning", "active", "hanging")),
    ("active", (signal.SIGINT,)),
]
_NOISE = ("Traceback", "context is invalid", "Failed to publish", "inference failed", "Exception ignored", "terminate ")


class NodeProcess:
    """What it writes to standard error is read all the while."""

    def __init__(self, fault: str, *arguments: str, full_disk: bool = False) -> None:
        words = [sys.executable, str(ROOT / "test" / "faulty_node.py"), fault]
        words += ["--ros-args", "-r", "image:=/camera/image_raw", *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        if full_disk:
            with open("/dev/full", "w") as full:
                self.child = subprocess.Popen(words, env=environment, stderr=full, stdout=full)
        else:
            self.child = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
        self.log = ""
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        with self._news:
            self._news.wait_for(lambda: text in self.log or self.child.poll() is not None, seconds)
        assert text in self.log, f"{text!r} did not come:\n{self.log}"

    def end(self) -> int:
        """The exit status of a process that shall end by now."""
        code = self.child.wait(timeout=20)
        self._reader.join(5)
        return code

    def _read(self) -> None:
        for line in self.child.stderr or ():
            with self._news:
                self.log += line
                self._news.notify_all()
        with self._news:
            self._news.notify_all()


@contextmanager
def node_process(fault: str, *arguments: str, **options: Any) -> Iterator[NodeProcess]:
    running = NodeProcess(fault, *arguments, **options)
    try:
        yield running
    finally:
        if running.child.poll() is None:
            running.child.kill()
        running.end()


def check_signals_end_it_in_order(state: str, signals: tuple[signal.Signals, ...], model: Path) -> None:
    """In whatever state: exit status 0, soon, and nothing in the log that looks like a fault."""
    from node_checks import Peer

    fault, reached = REACHED[state]
    passive = ["-p", "autostart:=false"] if state == "unconfigured" else []
    with node_process(fault, "-p", f"model:={model}", *passive) as running:
        running.wait_for(reached)
        peer = Peer("/segmentation/label") if state in ("streaming", "hanging") else None
        streaming, stopping = threading.Event(), threading.Event()
        if peer is not None:
            peer.wait_for_node()

            def stream() -> None:
                index = 0
                while not stopping.wait(0.02):
                    peer.send(index)
                    index += 1

            camera = threading.Thread(target=stream)
            camera.start()
            done = peer.spin_until(lambda: bool(peer.received["/segmentation/label"]) or "<hanging>" in running.log)
            streaming.set()
            assert done, running.log
        for number in signals:
            running.child.send_signal(number)
        code = running.end()
        if peer is not None:
            stopping.set()
            camera.join()
            peer.close()
    assert code == 0, running.log
    assert [noise for noise in _NOISE if noise in running.log] == [], running.log
    if state == "building":
        assert "stopped by SIG" in running.log


def check_a_command_line_that_is_wrong(arguments: list[str], says: str) -> None:
    """Exit status 2, and a line that says why."""
    with node_process("none", *arguments) as running:
        code = running.end()
    assert code == 2, running.log
    assert says in running.log
    assert "Traceback" not in running.log
    assert max(map(len, running.log.splitlines())) < 2000


def wrong_command_lines(folder: Path, model: Path) -> dict[str, tuple[list[str], str]]:
    """By name: arguments, and what is said of them."""
    broken = folder / "broken.yaml"
    broken.write_text("/**:\n  ros__parameters: {threads: [")
    given = ["-p", f"model:={model}"]
    return {
        "a model that is not there": (["-p", "model:=/nowhere"], "cannot be configured: /nowhere: is no directory"),
        "a file that is not there": ([*given, "--params-file", "/nowhere.yaml"], "/nowhere.yaml"),
        "a broken file": ([*given, "--params-file", str(broken)], "broken.yaml"),
        "a bad remap": ([*given, "-r", "image:"], "error: "),
        "a value of a wrong type": ([*given, "-p", "threads:=many"], "threads"),
        "a value out of range": ([*given, "-p", "queue_depth:=0"], "queue_depth"),
        "an engine that is none": ([*given, "-p", "engine:=foo"], "engine 'foo': expected auto, tensorrt"),
        "an override that is none": (
            [*given, "-p", "qos_overrides./camera/image_raw.subscription.reliability:=maybe"],
            "maybe",
        ),
        "a device that is not there": ([*given, "-p", "device:=cuda"], "cannot be configured: device"),
    }


def check_a_disk_full_of_logs_changes_nothing(model: Path) -> None:
    """Whatever cannot be written: labels come, and the exit status is the right one."""
    from node_checks import LABEL_TOPIC, Peer

    with node_process("none", "-p", f"model:={model}", full_disk=True) as running:
        peer = Peer(LABEL_TOPIC)
        peer.wait_for_node()
        for index in range(5):
            peer.send_and_wait(index)
            peer.send(index, encoding="from_mars")  # something to write about
        peer.send_and_wait(6)
        peer.close()
        running.child.send_signal(signal.SIGINT)
        assert running.end() == 0


_SUBSCRIBER = """
import importlib.util, os, signal
if importlib.util.find_spec("rclpy") is None:
    from wsvs_ros import embedded
    embedded.install()
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
rclpy.init(args=[])
node = Node("slow")
def stop(_):
    print("stands still", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
node.create_subscription(Image, "/segmentation/label", stop, QoSProfile(depth=10))
rclpy.spin(node)
"""


def check_a_subscriber_that_stands_still_holds_nobody_up(model: Path) -> None:
    """Labels are reliable; who does not take them loses them, and the others get theirs."""
    from node_checks import LABEL_TOPIC, Peer

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with node_process("none", "-p", f"model:={model}") as running:
        running.wait_for("-> /segmentation/label")
        words = [sys.executable, "-c", _SUBSCRIBER]
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as slow:
            peer = Peer(LABEL_TOPIC)
            peer.wait_for_node()
            try:
                index = 0
                while index < 400 and not (slow.stdout is not None and _has_line(slow.stdout)):
                    peer.send_and_wait(index, size=(320, 240))
                    index += 1
                assert index < 400, "the subscriber got no label"
                for later in range(index + 1, index + 40):
                    peer.send_and_wait(later, size=(320, 240))
            finally:
                slow.kill()
            peer.close()
        running.child.send_signal(signal.SIGINT)
        assert running.end() == 0
    assert " 0 failed" in running.log, running.log


def _has_line(stream: Any) -> bool:
    return bool(select.select([stream], [], [], 0)[0])
