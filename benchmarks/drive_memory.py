"""Memory and time to make samples of a long drive: it is decoded from end to end, and must not be held.

    python -m benchmarks.drive_memory [MINUTES ...]

The drive is a video of rendered frames, repeated, and tagged from its beginning to its end: the most that can be asked
for. Each length is measured in a process of its own: decoding (the first run), finding all of it again (the second)
and reading samples through the mapped files.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import yaml

from wsvs_ros.drives.synthetic import SyntheticDrive

_SIZE = (320, 240)
_FPS = 15
_RENDERED = 60  # frames that repeat
_READ = 400  # samples that are read at last


def write_drive(folder: Path, minutes: float) -> None:
    """A video of that length, and its tags."""
    frames = [frame.image for frame in SyntheticDrive(_SIZE, frames=_RENDERED, fps=_FPS)]
    turn = [*frames, *frames[-2:0:-1]]  # there and back, so that nothing jumps
    writer = cv2.VideoWriter(str(folder / "drive.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), _FPS, _SIZE)
    for number in range(round(minutes * 60 * _FPS)):
        writer.write(turn[number % len(turn)])
    writer.release()
    clips = [{"start": 0.0, "end": minutes * 60 + 1, "tags": ["road", "sky", "building"]}]
    (folder / "tags.yaml").write_text(yaml.safe_dump({"drive.mp4": {"fps": _FPS, "clips": clips}}))


def measure(folder: Path) -> dict[str, float]:
    """In the process at hand: peaks of its memory, MB, and seconds."""
    from training.caches import Contents
    from training.datasets import Sample, tagged_drives
    from wsvs_ros.drives.tags import load_clip_tags
    from wsvs_ros.perception import FlowSettings, LabelSet

    labels = LabelSet.load("camvid11")

    def samples() -> list[Sample]:
        clips = load_clip_tags(folder / "tags.yaml", labels)
        with Contents(folder / "contents.json") as contents:
            return tagged_drives(
                folder, clips, labels, cache=folder / "cache", contents=contents, size=_SIZE, flow=FlowSettings(),
                window=(10, 0), step=4,
            )  # fmt: skip

    found: dict[str, float] = {"before_mb": _peak()}
    begin = time.perf_counter()
    made = samples()
    found |= {"decoding_mb": _peak(), "decoding_s": time.perf_counter() - begin, "samples": len(made)}
    begin = time.perf_counter()
    again = samples()
    found["again_s"] = time.perf_counter() - begin
    for sample in again[:: max(1, len(again) // _READ)]:
        assert sample.load_flow is not None
        assert sample.load_image().any()
        assert sample.load_flow().shape == (20, *_SIZE[::-1])
    found["reading_mb"] = _peak()
    found["disk_mb"] = sum(path.stat().st_size for path in (folder / "cache").rglob("*")) / 1e6
    return found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float, nargs="*", default=[1.0, 10.0], help="lengths (default: 1 and 10)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure is not None:
        print(json.dumps(measure(args.measure)))
        return
    titles = (
        "minutes",
        "samples",
        "before, MB",
        "peak decoding, MB",
        "reading, MB",
        "decoding, s",
        "again, s",
        "disk, MB",
    )
    print(f"| {' | '.join(titles)} |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for minutes in args.minutes:
        with tempfile.TemporaryDirectory() as folder:
            write_drive(Path(folder), minutes)
            command = [sys.executable, "-m", "benchmarks.drive_memory", "--measure", folder]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found = json.loads(done.stdout)
        whole = [found[key] for key in ("samples", "before_mb", "decoding_mb", "reading_mb")]
        cells = [f"{minutes:g}", *(f"{value:.0f}" for value in whole)]
        cells += [f"{found['decoding_s']:.0f}", f"{found['again_s']:.2f}", f"{found['disk_mb']:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
