"""
Large best-effort images between two processes: how many arrive, with Cyclone DDS's own settings and those of config/.

    python -m benchmarks.large_images

Both run on the embedded middleware, over loopback and with nothing else of its settings for this machine, so as ROS 2's
own peers do.
"""

from __future__ import annotations

import array
import os
import subprocess
import sys
import time
from pathlib import Path

from wsvs_ros import embedded
from wsvs_ros.large_images import cyclonedds_uri
from wsvs_ros.runs.domains import free_domain

CONFIG = Path(__file__).resolve().parents[1] / "config"
SIZES = ((640, 480), (1280, 720), (1920, 1080))
IMAGES, RATE = 120, 30.0
LOOPBACK = (
    "<CycloneDDS><Domain><General><Interfaces><NetworkInterface name='lo' multicast='false'/></Interfaces>"
    "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
    "<Peers><Peer Address='127.0.0.1'/></Peers></Discovery></Domain></CycloneDDS>"
)


def main() -> None:
    """Print a line a size and setting."""
    domain = str(free_domain())
    print(f"net.core.rmem_max {Path('/proc/sys/net/core/rmem_max').read_text().strip()}")
    for size in SIZES:
        for name, uri in (("own", LOOPBACK), ("large_images", cyclonedds_uri(CONFIG, {"CYCLONEDDS_URI": LOOPBACK}))):
            environment = {**os.environ, "CYCLONEDDS_URI": uri, "ROS_DOMAIN_ID": domain}
            words = [sys.executable, "-m", "benchmarks.large_images"]
            sizes = [str(length) for length in size]
            listener = subprocess.Popen([*words, "listen", *sizes], env=environment, stdout=subprocess.PIPE, text=True)
            subprocess.run([*words, "publish", *sizes], env=environment, check=True)
            arrived, _ = listener.communicate()
            print(f"{size[0]}x{size[1]}, settings {name}: {arrived.strip()} of {IMAGES}", flush=True)


def play(role: str, width: int, height: int) -> None:
    """One of the two processes."""
    embedded.install()
    import rclpy
    from rclpy.node import Node
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    rclpy.init(args=[])
    node, qos = Node(role), QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
    if role == "publish":
        publisher = node.create_publisher(Image, "image", qos)
        while not publisher.get_subscription_count():
            time.sleep(0.05)
        time.sleep(0.5)  # discovery goes both ways
        data = array.array("B", bytes(width * height * 3))
        for _ in range(IMAGES):
            publisher.publish(Image(width=width, height=height, step=3 * width, encoding="bgr8", data=data))
            time.sleep(1 / RATE)
        time.sleep(1.0)
    else:
        found: list[int] = []
        node.create_subscription(Image, "image", lambda message: found.append(message.width), qos)
        until = time.monotonic() + IMAGES / RATE + 8.0
        while len(found) < IMAGES and time.monotonic() < until:
            rclpy.spin_once(node, timeout_sec=0.1)
        print(len(found))
    rclpy.shutdown()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        play(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
