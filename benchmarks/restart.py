"""
How soon is the node back? SIGKILL into a running stream, a new process at once, and the time to its first label.

    python -m benchmarks.restart [--times 5] [--rate 30] [--size 480x360]

The default model, its engine on this machine's fastest provider; wanted are 3 s at most.
"""

from __future__ import annotations

import argparse
import threading
import time

import numpy as np

from benchmarks.live_node import LiveNode, cpu_seconds, drive_images

_WANTED = 3.0  # seconds
_PATIENCE = 60.0  # seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second (default: %(default)s)")
    parser.add_argument("--size", default="480x360", help="the camera's WIDTHxHEIGHT (default: %(default)s)")
    parser.add_argument("--domain", type=int, default=97, help="ROS domain (default: %(default)s)")
    args = parser.parse_args()
    images, _ = drive_images(args.size)
    live = LiveNode(domain=args.domain, probe=False)
    stopping = threading.Event()

    def stream() -> None:
        while not stopping.is_set():
            live.play(images, rate=args.rate, seconds=0.5, settle=0.0)

    camera = threading.Thread(target=stream)
    camera.start()
    found, busy = [], []
    try:
        for _ in range(args.times):
            _wait_for_label(live, time.monotonic())
            begin = live.kill_and_start_again()
            found.append(_wait_for_label(live, begin) - begin)
            busy.append(cpu_seconds(live.pid))
    finally:
        stopping.set()
        camera.join()
        live.close()
    print(f"{live.middleware}, camera {args.size} at {args.rate:g} Hz, {args.times} times\n")
    print(f"to the first label: median {np.median(found):.2f} s, {max(found):.2f} s at most, wanted {_WANTED:g}")
    print(f"processor time up to then: median {np.median(busy):.2f} s")


def _wait_for_label(live: LiveNode, since: float) -> float:
    """When the first label after a moment came."""
    while live.last_label <= since:
        if time.monotonic() - since > _PATIENCE:
            raise SystemExit(f"no label within {_PATIENCE:g} s")
        time.sleep(0.01)
    return live.last_label


if __name__ == "__main__":
    main()
