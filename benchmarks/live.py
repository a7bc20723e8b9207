"""The live path: a camera, the node and a listener, three processes over the embedded middleware.

    python benchmarks/live.py --seconds 60

Prints a Markdown table: whether every frame entered the flow window, whether each label bears its image's
header, latency from publishing an image to receiving its label, and the node's memory and processor load.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
_WARM_UP = 5.0  # seconds before memory is read the first time
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=30.0, help="frames per second")
    parser.add_argument("--size", default="480x360")
    parser.add_argument("--drive", default="synthetic", help="video, folder or bag that is played in a loop")
    parser.add_argument("--model", help="model bundle (default: the one of the package)")
    parser.add_argument("--domain", type=int, default=95)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = measure(args)
    print(f"| live path, {args.size} at {args.rate:g} Hz for {args.seconds:g} s | |\n| --- | --- |")
    for name, value in result.items():
        print(f"| {name} | {value:.1f} |" if isinstance(value, float) else f"| {name} | {value} |")
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run."""
    from wsvs_ros.ros import embedded

    os.environ["CYCLONEDDS_URI"] = embedded.loopback_uri()
    os.environ["ROS_DOMAIN_ID"] = str(args.domain)
    embedded.install()
    import rclpy

    rclpy.init(args=[])
    listener = Listener()
    node = start("run", *(["--model", args.model] if args.model else []))
    listener.wait_for_node()
    play = start(
        "play", args.drive, "--fps", str(args.rate), "--size", args.size, "--seconds", str(args.seconds), "--loop"
    )
    memory: list[int] = []
    start_time = time.monotonic()
    load_from = (0.0, 0.0)
    while play.poll() is None:
        rclpy.spin_once(listener.node, timeout_sec=0.2)
        elapsed = time.monotonic() - start_time
        if elapsed > _WARM_UP and len(memory) < elapsed - _WARM_UP:
            memory.append(resident(node.pid))
            if len(memory) == 1:
                load_from = (cpu_seconds(node.pid), time.monotonic())
    load = (cpu_seconds(node.pid) - load_from[0]) / (time.monotonic() - load_from[1])
    until = time.monotonic() + 2
    while time.monotonic() < until:
        rclpy.spin_once(listener.node, timeout_sec=0.2)
    node.send_signal(signal.SIGINT)
    log = node.communicate(timeout=30)[1]
    sent = int(re.search(r"played (\d+) frames", play.communicate()[0])[1])  # type: ignore[index]
    rclpy.shutdown()
    return report(listener, log, sent, memory, load)


class Listener:
    """Receives images and labels, and notes their headers and when they came."""

    def __init__(self) -> None:
        from rclpy.node import Node
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import Image

        self.node = Node("benchmark")
        self.images: set[tuple[int, int, str]] = set()
        self.labels: list[tuple[int, int, str]] = []
        self.latencies: list[float] = []
        reliable = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        self.node.create_subscription(Image, "/camera/image_raw", self._on_image, reliable)
        self._labels_from = self.node.create_subscription(Image, "/segmentation/label", self._on_label, reliable)

    def wait_for_node(self) -> None:
        """Until the node publishes, and so subscribes; frames sent before are nobody's loss."""
        import rclpy

        until = time.monotonic() + 30
        while not self._labels_from.get_publisher_count():
            if time.monotonic() > until:
                raise SystemExit("the node did not start")
            rclpy.spin_once(self.node, timeout_sec=0.1)
        time.sleep(1.0)  # its camera subscription comes right after

    def _on_image(self, message: Any) -> None:
        self.images.add(key(message))

    def _on_label(self, message: Any) -> None:
        now = time.time()
        self.labels.append(key(message))
        self.latencies.append(now - message.header.stamp.sec - message.header.stamp.nanosec * 1e-9)


def report(listener: Listener, log: str, sent: int, memory: list[int], load: float) -> dict[str, Any]:
    """The figures by name."""
    counts = {name: int(re.search(rf"(\d+) {name}", log)[1]) for name in ("received", "entered", "inferred", "skipped")}  # type: ignore[index]
    p50, p95, p99 = np.percentile(1e3 * np.array(listener.latencies), (50, 95, 99))
    quarter = max(1, len(memory) // 4)
    return {
        "frames published": sent,
        "entered the flow window": counts["entered"],
        "inferred": counts["inferred"],
        "overtaken by a newer frame": counts["skipped"],
        "labels received": len(listener.labels),
        "labels whose header is that of an image": sum(label in listener.images for label in listener.labels),
        "labels received twice": len(listener.labels) - len(set(listener.labels)),
        "latency p50, ms": float(p50),
        "latency p95, ms": float(p95),
        "latency p99, ms": float(p99),
        "node memory, first quarter, MB": float(np.mean(memory[:quarter])) / 1e6,
        "node memory, last quarter, MB": float(np.mean(memory[-quarter:])) / 1e6,
        "node load, processors": load,
    }


def start(command: str, *arguments: str) -> subprocess.Popen[str]:
    """A `wsvs` process on loopback."""
    words = [sys.executable, "-m", "wsvs_ros.cli.main", command, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def key(message: Any) -> tuple[int, int, str]:
    """What identifies a header."""
    return message.header.stamp.sec, message.header.stamp.nanosec, message.header.frame_id


def resident(pid: int) -> int:
    """Resident memory of a process, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    sys.exit(main())
