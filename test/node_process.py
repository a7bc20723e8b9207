"""`faulty_node.py` as a process, on any middleware: shared by test/ros and test/ros_live."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIGNALS = [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT, signal.SIGTERM)]
REACHED = {  # what each state's fault is, and what is said when it is reached
    "beginning": ("none", "<begin>"),
    "building": ("building", "<building>"),
    "unconfigured": ("none", "<made>"),
    "inactive": ("passive", "<passive>"),
    "active": ("none", "-> /segmentation/label"),
    "streaming": ("none", "-> /segmentation/label"),
    "hanging": ("hanging", "-> /segmentation/label"),
}
_NOISE = ("Traceback", "context is invalid", "Failed to publish", "inference failed", "Exception ignored", "terminate ")


class NodeProcess:
    """What it writes to standard error is read all the while."""

    def __init__(self, fault: str, *arguments: str) -> None:
        words = [sys.executable, str(ROOT / "test" / "faulty_node.py"), fault]
        words += ["--ros-args", "-r", "image:=/camera/image_raw", *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
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
        assert self.child.stderr is not None
        for line in self.child.stderr:
            with self._news:
                self.log += line
                self._news.notify_all()
        with self._news:
            self._news.notify_all()


@contextmanager
def node_process(fault: str, *arguments: str) -> Iterator[NodeProcess]:
    running = NodeProcess(fault, *arguments)
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
