"""`wsvs record`: camera and labels, as they come, to an mcap and an overlay video."""

from __future__ import annotations

import argparse
import time
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from wsvs_ros.cli import middleware
from wsvs_ros.cli.arguments import not_negative, positive
from wsvs_ros.drives.video_rate import video_rate
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json
from wsvs_ros.images import ImageError, to_bgr
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.painting import overlay

_KEPT = 60  # images and labels that wait for each other
_IMAGE = "sensor_msgs/msg/Image"
_SUMMARY = "record.json"


def add_parser(subparsers: Any) -> None:
    """Add `record` to the command line."""
    parser = subparsers.add_parser(
        "record",
        help="record camera and label topics, with latency",
        description="Record a camera and its label topic into OUT/bag (mcap), OUT/overlay.mp4 and OUT/record.json, "
        "until interrupted. Latency is from the image's stamp to the receipt of its label: on one machine, or with "
        "synchronised clocks.",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder for the results")
    parser.add_argument("--image", default="/camera/image_raw", metavar="TOPIC", help="camera (default: %(default)s)")
    parser.add_argument("--label", default="/segmentation/label", metavar="TOPIC", help="labels (default: %(default)s)")
    parser.add_argument("--label-set", default="camvid11", help="name or YAML file, for colours (default: %(default)s)")
    parser.add_argument("--idle", type=not_negative, default=0.0, metavar="SECONDS", help="stop after such a silence")
    parser.add_argument("--fps", type=positive, default=25.0, help="of the overlay video (default: %(default)s)")
    middleware.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record until interrupted or idle."""
    label_set = LabelSet.load(args.label_set)
    _check_output(args.output)
    middleware.prepare(args)
    import rclpy
    from rclpy.executors import ExternalShutdownException

    rclpy.init(args=[])
    recorder = _Recorder(args, label_set)
    try:
        print(f"recording {args.image} and {args.label} -> {args.output}", flush=True)
        while rclpy.ok() and not recorder.idle():
            rclpy.spin_once(recorder.node, timeout_sec=0.2)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        recorder.close()
        recorder.node.destroy_node()
        rclpy.try_shutdown()
    print(recorder.report())
    return 0


def _check_output(path: Path) -> None:
    """Bag and video refuse to be overwritten by themselves."""
    if (path / _SUMMARY).exists():
        raise WsvsError(f"{path / _SUMMARY}: exists already; nothing is overwritten, give another folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WsvsError(f"{path}: cannot be made a folder: {error.strerror}") from error


class _Recorder:
    """Subscribes both topics raw; pairs labels with their images by stamp."""

    def __init__(self, args: argparse.Namespace, label_set: LabelSet) -> None:
        from rclpy.node import Node
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import Image

        from wsvs_ros.drives.bag_writer import BagWriter
        from wsvs_ros.drives.video_writer import VideoWriter
        from wsvs_ros.drives.writers import Background

        self._args, self._label_set = args, label_set
        self._files = ExitStack()  # closed in the opposite order: what waits is written, then the files finished
        self._files.callback(self._write_summary)
        self._video = VideoWriter(args.output / "overlay.mp4", video_rate(args.fps))
        self._bag = BagWriter(args.output / "bag")
        self._files.callback(self._bag.close)
        self._files.callback(self._video.close)
        self._background = self._files.enter_context(Background())
        self._waiting: OrderedDict[tuple[int, int, str], dict[str, Any]] = OrderedDict()
        self._latencies: list[float] = []
        self._alone = self._received = self._unreadable = 0
        self._first = self._last = 0.0
        self.node = Node("wsvs_recorder")
        qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.node.create_subscription(Image, args.image, self._on_image, qos, raw=True)
        self.node.create_subscription(Image, args.label, self._on_label, qos, raw=True)

    def idle(self) -> bool:
        """Whether there was traffic once and none for the idle time."""
        return bool(self._args.idle and self._last and time.monotonic() - self._last > self._args.idle)

    def close(self) -> None:
        """Finish the files, each whatever becomes of the others; everything received so far is in them."""
        self._files.close()

    def summary(self) -> dict[str, Any]:
        """What record.json holds; latency in milliseconds."""
        milliseconds = 1e3 * np.array(self._latencies or [np.nan])
        p50, p95, p99 = (float(value) for value in np.percentile(milliseconds, (50, 95, 99)))
        seconds = self._last - self._first
        labels = len(self._latencies)
        return {
            "images": self._received,
            "labels": labels,
            "labels_without_image": self._alone + sum("label" in pair for pair in self._waiting.values()),
            "unreadable": self._unreadable,
            "rate": (labels - 1) / seconds if labels > 1 and seconds > 0 else 0.0,
            "latency_ms": {"p50": p50, "p95": p95, "p99": p99} if labels else None,
        }

    def report(self) -> str:
        """A line for the terminal."""
        summary = self.summary()
        return f"recorded {summary['images']} images and {summary['labels']} labels in {self._args.output}"

    def _write_summary(self) -> None:
        write_json(self._args.output / _SUMMARY, self.summary())

    def _on_image(self, data: bytes) -> None:
        self._received += 1
        message = self._keep(self._args.image, data)
        if message is not None:
            self._pair("image", message)

    def _on_label(self, data: bytes) -> None:
        now = time.time()
        message = self._keep(self._args.label, data)
        if message is not None:
            stamp = message.header.stamp
            self._latencies.append(now - stamp.sec - stamp.nanosec * 1e-9)
            self._first = self._first or time.monotonic()
            self._pair("label", message)

    def _pair(self, kind: str, message: Any) -> None:
        """Paint a label over its image when both are there; on a busy machine either may be taken first."""
        stamp = message.header.stamp
        key = (stamp.sec, stamp.nanosec, message.header.frame_id)
        pair = self._waiting.setdefault(key, {})
        pair[kind] = message
        if len(pair) == 2:
            del self._waiting[key]
            self._background.submit(lambda: self._paint(**pair))
        while len(self._waiting) > _KEPT:
            self._alone += "label" in self._waiting.popitem(last=False)[1]

    def _keep(self, topic: str, data: bytes) -> Any | None:
        """Record the message as it came; what it says, or None if it cannot be read."""
        self._last = time.monotonic()
        stamp = time.time_ns()
        self._background.submit(lambda: self._bag.write(topic, _IMAGE, stamp, bytes(data)))
        try:
            return self._bag.typestore.deserialize_cdr(data, _IMAGE)
        except Exception:  # whatever garbage leads to; one message does not end the recording
            self._unreadable += 1
            return None

    def _paint(self, image: Any, label: Any) -> None:
        try:
            picture, labels = to_bgr(image), np.ascontiguousarray(to_bgr(label)[..., 0])
        except ImageError:
            self._unreadable += 1
            return
        if labels.shape != picture.shape[:2]:
            labels = cv2.resize(labels, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        stamp = label.header.stamp
        self._video.write(overlay(picture, labels, self._label_set), stamp.sec * 1_000_000_000 + stamp.nanosec)
