"""
Replay: what `wsvs segment` on a bag costs beyond the segmenter, its memory, two drives at once, and evaluation.

    python -m benchmarks.replay [--frames N] [--long 4] [--bundle DIR] [--data DATA] [--only speed,memory,jobs,evaluate]

The bag is made from the rendered drive: JPEG CompressedImages of 480x360 at 30 Hz, in an mcap. `--frames 18000` is ten
minutes. Each part prints a ratio or two figures of one run:

- speed: frames a second of `wsvs segment` (labels, overlay video, labelled bag) by those of the segmenter alone on the
  same frames, decoded beforehand; alternately, the best of `--turns` each.
- memory: greatest resident memory of `wsvs segment` for the bag and for one `--long` times as long.
- jobs: two bags by two processes at once (`--jobs 2`) against one after the other, the engine on one thread;
  the best of `--turns` each.
- evaluate: `wsvs evaluate` of CamVid val, start of Python included (`--data`, the folder with `camvid/val`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2

from wsvs_ros.drives import open_drive
from wsvs_ros.drives.bag_writer import BagWriter
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import Frame, ModelBundle, VideoSegmenter, default_bundle_path

_KIND = "sensor_msgs/msg/CompressedImage"
_RATE = 30.0
_DISTINCT = 120  # rendered frames; a longer bag plays them to and fro
_PARTS = ("speed", "memory", "jobs", "evaluate")


def make_bag(path: Path, count: int) -> Path:
    """An mcap with `count` JPEG images."""
    drive = SyntheticDrive((480, 360), frames=min(count, _DISTINCT), fps=_RATE)
    jpegs = [cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].reshape(-1) for frame in drive]
    order = [*range(len(jpegs)), *range(len(jpegs) - 2, 0, -1)]
    bag = BagWriter(path)
    types = bag.typestore.types
    for index in range(count):
        nanoseconds = round(index / _RATE * 1e9)
        stamp = types["builtin_interfaces/msg/Time"](*divmod(nanoseconds, 1_000_000_000))
        header = types["std_msgs/msg/Header"](stamp, "camera")
        message = types[_KIND](header, "jpeg", jpegs[order[index % len(order)]])
        bag.write("/camera/image_raw/compressed", _KIND, nanoseconds, bag.typestore.serialize_cdr(message, _KIND))
    bag.close()
    return path


def wsvs(*words: Any) -> tuple[float, float]:
    """Run `wsvs ...`: wall seconds and the greatest resident memory in MB."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "wsvs_ros.cli.main", *map(str, words)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"wsvs {words[0]} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def segment(bag: Path, out: Path, bundle: Path, *more: Any) -> tuple[float, float]:
    """`wsvs segment` on a bag: its own frames a second, without the start, and its memory in MB."""
    memory = wsvs("segment", bag, "-o", out, "--model", bundle, "--quiet", *more)[1]
    return float(json.loads((out / "summary.json").read_text())["fps"]), memory


def alone(bag: Path, bundle: Path, count: int) -> float:
    """Frames a second of the segmenter, from frame to label map, on frames that are in memory."""
    frames = list(_decoded(bag, count))
    with VideoSegmenter(ModelBundle.load(bundle)) as segmenter:
        for frame in frames[:20]:
            _ = [one.labels for one in segmenter.push(Frame(frame.image, frame.stamp_ns - 10**10))]
        start = time.perf_counter()
        for frame in frames:
            _ = [one.labels for one in segmenter.push(frame)]
        return len(frames) / (time.perf_counter() - start)


def _decoded(bag: Path, count: int) -> Iterator[Frame]:
    with open_drive(bag) as drive:
        yield from islice(drive, count)


def speed(folder: Path, args: argparse.Namespace) -> None:
    """See the module's text."""
    bag = make_bag(folder / "bag", args.frames)
    own, whole, bare = [], [], []
    for turn in range(args.turns):
        own.append(alone(bag, args.bundle, min(args.frames, 400)))
        whole.append(segment(bag, folder / f"whole{turn}", args.bundle)[0])
        bare.append(segment(bag, folder / f"bare{turn}", args.bundle, "--no-overlay")[0])
    print(
        f"speed: segmenter alone {max(own):.1f} frames/s, `wsvs segment` {max(whole):.1f} "
        f"({max(whole) / max(own):.2f} of it), with --no-overlay {max(bare):.1f} ({max(bare) / max(own):.2f})"
    )


def memory(folder: Path, args: argparse.Namespace) -> None:
    """See the module's text."""
    told = []
    for name, count in (("short", args.frames), ("long", args.frames * args.long)):
        bag = make_bag(folder / name, count)
        megabytes = segment(bag, folder / f"{name}-out", args.bundle)[1]
        told.append(f"{megabytes:.0f} MB for {count} frames ({count / _RATE / 60:.1f} minutes)")
    print("memory: " + ", ".join(told))


def jobs(folder: Path, args: argparse.Namespace) -> None:
    """See the module's text."""
    for name in ("a", "b"):
        make_bag(folder / "archive" / name, args.frames)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    words = ("segment", folder / "archive", "--model", args.bundle, "--threads", 1, "--quiet")
    for turn in range(args.turns):
        for count, taken in seconds.items():
            taken.append(wsvs(*words, "--jobs", count, "-o", folder / f"jobs{count}-{turn}")[0])
    one, two = min(seconds[1]), min(seconds[2])
    print(f"jobs: one after the other {one:.1f} s, --jobs 2 {two:.1f} s, {one / two:.2f} x")


def evaluate(folder: Path, args: argparse.Namespace) -> None:
    """See the module's text."""
    if args.data is None:
        print("evaluate: needs --data")
        return
    val, out = args.data / "camvid" / "val", folder / "camvid"
    wsvs("segment", val, "-o", out, "--model", args.bundle, "--quiet", "--no-overlay", "--confidence")
    words = ("evaluate", "--pred", out, "--labels", val / "labels", "--quiet")
    plain = min(wsvs(*words)[0] for _ in range(3))
    report = wsvs(*words, "--report", folder / "report")[0]
    print(
        f"evaluate: {len(list((val / 'labels').glob('*.png')))} frames, all figures, {plain:.2f} s; "
        f"with the report {report:.2f} s"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=400, help="of the bag (default: %(default)s)")
    parser.add_argument("--long", type=int, default=4, help="how many times as long the long bag is")
    parser.add_argument("--turns", type=int, default=3, help="of the parts speed and jobs (default: %(default)s)")
    parser.add_argument("--bundle", type=Path, default=default_bundle_path())
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", default=",".join(_PARTS), help="parts, with commas (default: %(default)s)")
    args = parser.parse_args()
    measures = {"speed": speed, "memory": memory, "jobs": jobs, "evaluate": evaluate}
    for name in args.only.split(","):
        if name not in measures:
            parser.error(f"--only {name}: expected {', '.join(_PARTS)}")
        with TemporaryDirectory() as folder:
            measures[name](Path(folder), args)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
