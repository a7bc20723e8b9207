"""
What the segmenter costs beyond its flow and its network, frame by frame in one run.

    python -m benchmarks.segmenter [--bundle DIR] [--drive VIDEO | --frames DIR] [--size 480x360] [--count N] [--crf]

The frames are read and resized first; then each is timed from `push` to its label map (resize, flow, window,
network, label map and confidence at the camera's resolution). Prints the stages' medians, the frames per
second that this alone would allow and the ratio segmenter / (flow + engine), summed over the frames.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from wsvs_ros.cores import usable_cores
from wsvs_ros.perception import VIDEO_CRF, Frame, ModelBundle, VideoSegmenter, default_bundle_path

_FRAMES = Path(__file__).resolve().parents[2] / "shared" / "data" / "camvid" / "val" / "images"
_PERIOD_NS = 33_333_333
_WARM_UP = 10


def images_of(drive: Path | None, folder: Path) -> Iterator[np.ndarray]:
    """The images of a video, or of a folder in the order of their names, (H, W, 3) uint8 BGR."""
    if drive is None:
        for path in sorted(folder.iterdir()):
            image = cv2.imread(str(path))
            if image is not None:
                yield image
        return
    capture = cv2.VideoCapture(str(drive))
    while True:
        read, image = capture.read()
        if not read:
            return
        yield image


def load_frames(drive: Path | None, folder: Path, size: tuple[int, int], count: int) -> list[Frame]:
    """The first `count` frames, resized to `size`, 30 a second; a short drive is played to and fro."""
    images = [cv2.resize(image, size) for image in islice(images_of(drive, folder), count)]
    if not images:
        raise SystemExit(f"{drive or folder}: no image could be read")
    there_and_back = images + images[-2:0:-1]
    return [Frame(there_and_back[index % len(there_and_back)], index * _PERIOD_NS) for index in range(count)]


def measure(bundle: ModelBundle, frames: list[Frame], *, crf: bool) -> dict[str, Any]:
    """Push every frame and make its maps; see the module's text for what is returned."""
    totals, stages = [], []
    with VideoSegmenter(bundle, lookahead=0, crf=VIDEO_CRF if crf else None) as segmenter:
        for frame in frames:
            start = time.perf_counter()
            result = segmenter.push(frame)[0]
            assert result.labels.shape == frame.image.shape[:2]
            totals.append(time.perf_counter() - start)
            stages.append(result.seconds)
        engine = segmenter.engine_name
    total = np.array(totals[_WARM_UP:])
    by_stage = {name: np.array([s[name] for s in stages[_WARM_UP:]]) for name in stages[0]}
    needed = by_stage["flow"] + by_stage["engine"]
    return {
        "bundle": bundle.name,
        "engine": engine,
        "cores": usable_cores(),
        "camera_size": list(frames[0].size),
        "working_size": list(bundle.working_size),
        "frames": len(total),
        "median_ms": {
            **{name: round(1e3 * float(np.median(values)), 3) for name, values in by_stage.items()},
            "segmenter": round(1e3 * float(np.median(total)), 3),
        },
        "fps": round(len(total) / float(total.sum()), 1),
        "ratio": round(float(total.sum() / needed.sum()), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=default_bundle_path(), help="(default: %(default)s)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--drive", type=Path, help="a video")
    source.add_argument("--frames", type=Path, default=_FRAMES, help="a folder of images (default: %(default)s)")
    parser.add_argument("--size", default="480x360", help="the camera's WIDTHxHEIGHT (default: %(default)s)")
    parser.add_argument("--count", type=int, default=200, help="frames (default: %(default)s)")
    parser.add_argument("--crf", action="store_true", help="with the fully-connected CRF")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if arguments.count <= _WARM_UP:
        parser.error(f"--count: expected more than {_WARM_UP}, the first {_WARM_UP} are not counted")
    width, height = (int(side) for side in arguments.size.split("x"))
    frames = load_frames(arguments.drive, arguments.frames, (width, height), arguments.count)
    result = measure(ModelBundle.load(arguments.bundle), frames, crf=arguments.crf)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['frames']} frames of {arguments.size}, bundle {result['bundle']}, {result['cores']} cores\n")
    print("| stage | median ms |\n| --- | ---: |")
    for name, value in result["median_ms"].items():
        print(f"| {name} | {value:.2f} |")
    print(f"\n{result['fps']} frames per second; segmenter / (flow + engine) = {result['ratio']}")


if __name__ == "__main__":
    main()
