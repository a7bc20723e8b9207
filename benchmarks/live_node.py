"""A camera, the segmentation node in a process of its own, and a listener: what node.py and soak.py measure with."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
IMAGE, LABEL = "/camera/image_raw", "/segmentation/label"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """
    One playback.

    :param published: stamps of the frames, nanoseconds, and when they went out, seconds of `time.monotonic`.
    :param received: stamps of the labels, and when they came.
    """

    published: dict[int, float] = field(default_factory=dict)
    received: dict[int, float] = field(default_factory=dict)

    def latencies(self) -> np.ndarray:
        """Seconds from publishing a frame to receiving its label, in the order of the frames."""
        return np.array(
            [self.received[stamp] - sent for stamp, sent in self.published.items() if stamp in self.received]
        )

    def lost(self) -> float:
        """Share of the frames that got no label."""
        return 1 - len(self.latencies()) / max(1, len(self.published))


class LiveNode:
    """
    The node with a camera and a listener, on ROS 2 where it is sourced, else on the embedded middleware.

    :param arguments: more of the command line of `wsvs run`.
    :param domain: ROS domain, all on loopback.
    :param probe: note what the segmenter takes for each frame.
    """

    def __init__(self, *arguments: str, domain: int, probe: bool = True) -> None:
        self.middleware = "rclpy" if importlib.util.find_spec("rclpy") is not None else "embedded"
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        if self.middleware == "embedded":
            from wsvs_ros import embedded

            os.environ["CYCLONEDDS_URI"] = embedded.loopback_uri()
            embedded.install()
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import Image

        self._folder = tempfile.TemporaryDirectory()
        self._probe = Path(self._folder.name) / "seconds.json"
        start = ["benchmarks.probed_node", str(self._probe)] if probe else ["wsvs_ros.cli.main", "run"]
        words = [sys.executable, "-m", *start, "--image", IMAGE, *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self._start = lambda: subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
        self._process = self._start()
        rclpy.init(args=[])
        self._rclpy, self._image = rclpy, Image
        self._node = Node("benchmark")
        reliable = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        self._camera = self._node.create_publisher(Image, IMAGE, QoSProfile(depth=5))
        self._node.create_subscription(Image, LABEL, self._on_label, reliable)
        self.segmenter_seconds: dict[int, float] = {}  # by stamp, once the node is closed
        self._run = Run()
        self.last_label = -float("inf")  # when one came, seconds of time.monotonic
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._spinning = threading.Event()
        self._spinning.set()
        self._listener = threading.Thread(target=self._spin, daemon=True)
        self._listener.start()
        until = time.monotonic() + 60
        while not self._camera.get_subscription_count():
            if time.monotonic() > until or self._process.poll() is not None:
                raise SystemExit("the node did not start")
            time.sleep(0.1)
        time.sleep(2.0)  # discovery goes both ways

    @property
    def pid(self) -> int:
        """The node's process."""
        return self._process.pid

    def play(self, images: list[np.ndarray], *, rate: float, seconds: float, settle: float = 1.0) -> Run:
        """Publish the images to and fro, on an absolute schedule, and wait `settle` seconds for the last labels."""
        from std_msgs.msg import Header

        from wsvs_ros.images import fill_image

        self._run = run = Run()
        messages = [fill_image(self._image(), image, "bgr8", Header(frame_id="camera")) for image in images]
        messages += messages[-2:0:-1]
        begin = time.monotonic()
        for index in range(round(rate * seconds)):
            time.sleep(max(0.0, begin + index / rate - time.monotonic()))
            message = messages[index % len(messages)]
            stamp = time.time_ns()
            message.header = Header(frame_id="camera")
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
            run.published[stamp] = time.monotonic()
            self._camera.publish(message)
        time.sleep(settle)
        return run

    def kill_and_start_again(self) -> float:
        """As after a crash: SIGKILL, and at once a new process; when that was, seconds of `time.monotonic`."""
        self._process.kill()
        self._process.communicate()
        self._process = self._start()
        return time.monotonic()

    def close(self) -> str:
        """Stop all; the node's log."""
        self._process.send_signal(signal.SIGINT)
        _, log = self._process.communicate(timeout=60)
        self._spinning.clear()
        self._listener.join()
        self._node.destroy_node()
        self._rclpy.try_shutdown()
        if self._probe.is_file():
            found = json.loads(self._probe.read_text(encoding="utf-8"))
            self.segmenter_seconds = {int(stamp): seconds for stamp, seconds in found.items()}
        self._folder.cleanup()
        return log

    def _spin(self) -> None:
        while self._spinning.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def _on_label(self, message: Any) -> None:
        self.last_label = time.monotonic()
        self._run.received[message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec] = self.last_label


def drive_images(size: str, count: int = 30) -> tuple[list[np.ndarray], str]:
    """Frames of the rendered drive at WIDTHxHEIGHT, and the hash of all their pixels."""
    from wsvs_ros.drives.synthetic import SyntheticDrive

    width, height = (int(side) for side in size.split("x"))
    images = [
        cv2.resize(frame.image, (width, height)) for frame in SyntheticDrive((640, 480), frames=count, seed=5, fps=30)
    ]
    digest = hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()
    return images, digest


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def threads(pid: int) -> int:
    """Threads of a process."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def descriptors(pid: int) -> int:
    """Open files and sockets of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
