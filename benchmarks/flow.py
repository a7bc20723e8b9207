"""
Optical flow against the truth: end-point error and time of every preset, OpenCV's default DIS and Farneback.

    python -m benchmarks.flow [--data ../shared/data/flow] [--repeat 5]

A pair is a folder with frame1.png, frame2.png, flow12.flo (Middlebury's format) and valid.png (the pixels
that have a truth). Prints a Markdown table: the average end-point error (AEE) over the valid pixels, in
pixels, and the shortest time of a pair in milliseconds, averaged over the pairs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.perception.flow import OpenCvDis

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "flow"
_FLO_MAGIC = 202021.25

FlowFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Pair:
    """Two gray frames (H, W) uint8, the true flow (2, H, W) float32 and where it is known (H, W) bool."""

    name: str
    previous: np.ndarray
    current: np.ndarray
    truth: np.ndarray
    valid: np.ndarray


def read_flo(path: Path) -> np.ndarray:
    """
    Read a flow field in Middlebury's .flo format.

    :return: (2, H, W) float32, u before v.
    :raises ValueError: if it is no .flo file.
    """
    data = path.read_bytes()
    if len(data) < 12 or np.frombuffer(data, "<f4", 1)[0] != _FLO_MAGIC:
        raise ValueError(f"{path}: no .flo file")
    width, height = np.frombuffer(data, "<i4", 2, 4)
    return np.frombuffer(data, "<f4", 2 * width * height, 12).reshape(height, width, 2).transpose(2, 0, 1)


def load_pair(folder: Path) -> Pair:
    """Read one folder of the benchmark."""
    names = ("frame1.png", "frame2.png", "valid.png")
    previous, current, valid = (cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for name in names)
    return Pair(folder.name, previous, current, read_flo(folder / "flow12.flo"), valid > 0)


def end_point_error(field: np.ndarray, pair: Pair) -> float:
    """Mean distance between the ends of found and true motion over the valid pixels, pixels."""
    return float(np.hypot(*(field - pair.truth))[pair.valid].mean())


def shortest_seconds(function: FlowFunction, pair: Pair, repeat: int) -> float:
    """Shortest time of a call after a first one that warms up."""
    function(pair.previous, pair.current)
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function(pair.previous, pair.current)
        times.append(time.perf_counter() - start)
    return min(times)


def contestants() -> dict[str, FlowFunction]:
    """The presets and OpenCV's own, by the name in the table."""
    default = cv2.DISOpticalFlow_create()

    def opencv_dis(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        return default.calc(previous, current, None).transpose(2, 0, 1)

    def farneback(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        field = cv2.calcOpticalFlowFarneback(previous, current, None, 0.5, 3, 15, 3, 5, 1.2, 0)
        return field.transpose(2, 0, 1)

    ours: dict[str, FlowFunction] = {
        f"preset {preset}": OpenCvDis(preset) for preset in ("ultrafast", "fast", "balanced", "fine")
    }
    return {**ours, "OpenCV's DIS, default": opencv_dis, "OpenCV's Farneback": farneback}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--data", type=Path, default=_DATA, help="folder of pairs (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="timed calls a pair (default: %(default)s)")
    arguments = parser.parse_args()
    pairs = [load_pair(path.parent) for path in sorted(arguments.data.glob("*/flow12.flo"))]
    if not pairs:
        parser.error(f"{arguments.data}: no folder in it has a flow12.flo")
    sizes = ", ".join(sorted({f"{pair.previous.shape[1]}x{pair.previous.shape[0]}" for pair in pairs}))
    print(f"AEE in pixels; pairs of {sizes}; OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads\n")
    print("| flow | " + " | ".join(pair.name for pair in pairs) + " | mean AEE | ms a pair |")
    print("| --- |" + " ---: |" * (len(pairs) + 2))
    for name, function in contestants().items():
        errors = [end_point_error(function(pair.previous, pair.current), pair) for pair in pairs]
        seconds = [shortest_seconds(function, pair, arguments.repeat) for pair in pairs]
        cells = [f"{value:.3f}" for value in [*errors, np.mean(errors)]]
        print(f"| {name} | " + " | ".join(cells) + f" | {1e3 * np.mean(seconds):.1f} |", flush=True)


if __name__ == "__main__":
    main()
