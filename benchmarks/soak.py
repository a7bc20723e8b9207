"""
Does the node grow? Memory, threads and open files of the live node over a long run at a camera's rate.

    python -m benchmarks.soak [--minutes 60] [--rate 30] [--size 480x360] [--json FILE]

The first ten minutes warm up (of a shorter run, its first half); after them the table shows first, last and largest
values, and the slope of the memory by least squares. Wanted, and said at the end, are a slope under 1 MB an hour, and
threads and files that stay as many.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.live_node import LiveNode, descriptors, drive_images, resident_mb, threads

_EVERY = 5.0  # seconds between two samples
_WARM_UP = 600.0  # seconds
_SLOPE = 1.0  # megabytes an hour


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="(default: %(default)s)")
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second (default: %(default)s)")
    parser.add_argument("--size", default="480x360", help="the camera's WIDTHxHEIGHT (default: %(default)s)")
    parser.add_argument("--domain", type=int, default=96, help="ROS domain (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the samples there")
    args = parser.parse_args()
    images, _ = drive_images(args.size)
    live = LiveNode(domain=args.domain, probe=False)
    samples: list[tuple[float, float, int, int]] = []
    done = threading.Event()
    begin = time.monotonic()

    def sample() -> None:
        while not done.wait(_EVERY):
            pid = live.pid
            samples.append((time.monotonic() - begin, resident_mb(pid), threads(pid), descriptors(pid)))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        run = live.play(images, rate=args.rate, seconds=60 * args.minutes)
    finally:
        done.set()
        sampler.join()
        log = live.close()
    warm = np.array([row for row in samples if row[0] >= min(_WARM_UP, 30 * args.minutes)])
    slope = float(np.polyfit(warm[:, 0] / 3600, warm[:, 1], 1)[0])
    if args.json:
        args.json.write_text(json.dumps(samples), encoding="utf-8")
    print(f"{live.middleware}, {args.minutes:g} minutes at {args.rate:g} Hz, camera {args.size}\n")
    print("| | first | last | largest |\n| --- | ---: | ---: | ---: |")
    for name, column in (("memory, MB", 1), ("threads", 2), ("open files", 3)):
        values = warm[:, column]
        print(f"| {name} | {values[0]:.1f} | {values[-1]:.1f} | {values.max():.1f} |")
    print(f"\nmemory slope {slope:+.2f} MB an hour; {len(run.published)} frames, {len(run.received)} labels")
    steady = all(len(set(warm[:, column])) == 1 for column in (2, 3))
    print(f"wanted: slope under {_SLOPE:g} MB an hour: {_yes(slope < _SLOPE)}; threads, files constant: {_yes(steady)}")
    print(next((line for line in reversed(log.splitlines()) if "frames:" in line), ""))


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


if __name__ == "__main__":
    main()
