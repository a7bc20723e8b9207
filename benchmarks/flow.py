"""
Optical flow against the truth: end-point error and time of every flow; pairs a second of a whole drive.

    python -m benchmarks.flow [--data ../shared/data/flow] [--repeat 5]

A pair is a folder with frame1.png, frame2.png, flow12.flo (Middlebury's format) and valid.png (the pixels
that have a truth); pairs of the rendered drive come on top. Prints Markdown tables: the average end-point error
(AEE) over the valid pixels, in pixels, and the shortest time of a pair in milliseconds, averaged over the pairs;
the flow of a drive in batches against a plain loop over OpenCV's; and, where there is a CUDA device, the time of a
captured pair at 1024x512 against what its memory traffic alone would take.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.cuda import copy_bandwidth, device_name, median_seconds
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import FlowSettings
from wsvs_ros.perception.flow import FlowAlgorithm, create_flow
from wsvs_ros.perception.flow.dis import dis_flow
from wsvs_ros.perception.flow.presets import (
    DIS_PRESETS,
    DisPreset,
    dis_preset,
    patch_grid,
    patch_hops,
    pyramid_sizes,
)
from wsvs_ros.perception.flow.torch_flow import TorchFlow

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


def rendered_pairs(count: int) -> list[Pair]:
    """Pairs of the project's own rendered drive at 480x360, whose flow is exactly known."""
    pairs = []
    previous = None
    for index, item in enumerate(SyntheticDrive((480, 360), frames=6 * count + 1).truth()):
        gray = cv2.cvtColor(item.frame.image, cv2.COLOR_BGR2GRAY)
        if index % 6 == 1 and previous is not None:
            pairs.append(Pair(f"rendered {index}", previous, gray, item.flow, item.valid))
        previous = gray
    return pairs


def torch_dis(preset: str, device: str = "cpu") -> FlowAlgorithm:
    """DIS in torch, which `create_flow` gives on CUDA without Triton only."""
    return TorchFlow(f"dis-{preset}", partial(dis_flow, preset=dis_preset(preset)), device)


def contestants() -> dict[str, FlowFunction]:
    """The flows of the package and OpenCV's own, by the name in the table."""
    default = cv2.DISOpticalFlow_create()

    def opencv_dis(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        return default.calc(previous, current, None).transpose(2, 0, 1)

    def farneback(previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        field = cv2.calcOpticalFlowFarneback(previous, current, None, 0.5, 3, 15, 3, 5, 1.2, 0)
        return field.transpose(2, 0, 1)

    flows: dict[str, FlowFunction] = {}
    for preset in DIS_PRESETS:
        flows[f"dis {preset}, OpenCV"] = create_flow(FlowSettings("dis", preset))
        flows[f"dis {preset}, torch"] = torch_dis(preset)
    for preset in ("fast", "balanced", "fine"):
        flows[f"brox {preset}, torch"] = create_flow(FlowSettings("brox", preset))
    return {**flows, "OpenCV's DIS, default": opencv_dis, "OpenCV's Farneback": farneback}


def print_accuracy(pairs: list[Pair], rendered: list[Pair], repeat: int) -> None:
    """A row a flow: its error on each pair, the means, its time."""
    print("| flow | " + " | ".join(pair.name for pair in pairs) + " | mean | rendered drive | ms a pair |")
    print("| --- |" + " ---: |" * (len(pairs) + 3))
    for name, function in contestants().items():
        errors = [end_point_error(function(pair.previous, pair.current), pair) for pair in pairs]
        others = [end_point_error(function(pair.previous, pair.current), pair) for pair in rendered]
        seconds = [shortest_seconds(function, pair, repeat if "torch" not in name else 1) for pair in pairs]
        cells = [f"{value:.3f}" for value in [*errors, np.mean(errors), np.mean(others)]]
        print(f"| {name} | " + " | ".join(cells) + f" | {1e3 * np.mean(seconds):.1f} |", flush=True)


def print_batches(repeat: int) -> None:
    """A drive's flow at once, against a plain loop over OpenCV's on the same frames, in turns."""
    frames = [cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY) for frame in SyntheticDrive((480, 360), frames=65)]
    previous, current = np.stack(frames[:-1]), np.stack(frames[1:])
    print("\n| flow of 64 pairs of 480x360 | pairs a second, batch | plain OpenCV loop | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for preset in DIS_PRESETS:
        flow = create_flow(FlowSettings("dis", preset))
        batches, loops = [], []
        for _ in range(repeat):
            start = time.perf_counter()
            flow.batch(previous, current)
            batches.append(time.perf_counter() - start)
            start = time.perf_counter()
            for pair in zip(previous, current, strict=True):
                flow(*pair)
            loops.append(time.perf_counter() - start)
        batch, loop = len(previous) / min(batches), len(previous) / min(loops)
        print(f"| dis {preset} | {batch:.0f} | {loop:.0f} | {batch / loop:.2f} |", flush=True)
    start = time.perf_counter()
    torch_dis("fast").batch(previous[:16], current[:16])
    print(f"| dis fast, torch | {16 / (time.perf_counter() - start):.0f} | | |")


def print_priors() -> None:
    """Each flow of a drive begun with the last one, against each begun from nothing."""
    print("\n| AEE on the rendered drive, frames a second | 15 | with prior | 7 | with prior |")
    print("| --- | ---: | ---: | ---: | ---: |")
    flows = {"dis fast, OpenCV": create_flow(FlowSettings("dis", "fast")), "dis fast, torch": torch_dis("fast")}
    for name, flow in flows.items():
        cells = []
        for fps in (15, 7):
            frames = list(SyntheticDrive((480, 360), frames=40, fps=fps).truth())
            grays = [cv2.cvtColor(item.frame.image, cv2.COLOR_BGR2GRAY) for item in frames]
            alone, prior, last = [], [], None
            for index, item in enumerate(frames[1:]):
                pair = Pair("", grays[index], grays[index + 1], item.flow, item.valid)
                alone.append(end_point_error(flow(pair.previous, pair.current), pair))
                last = flow(pair.previous, pair.current, initial=last)
                prior.append(end_point_error(last, pair))
            cells += [np.mean(alone), np.mean(prior)]
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in cells) + " |", flush=True)


def print_cuda() -> None:
    """Captured flow at 1024x512, and the share of its time that its memory traffic needs at the least."""
    name = device_name()
    if name is None:
        print("\nNo CUDA device here: nothing was measured on one.")
        return
    import torch

    bandwidth = copy_bandwidth()
    print(f"\n{name}, {bandwidth / 1e9:.0f} GB/s by a copy; one pair of 1024x512, captured\n")
    print("| flow | ms | MB moved at the least | share of the bandwidth floor |")
    print("| --- | ---: | ---: | ---: |")
    frames = [cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY) for frame in SyntheticDrive((1024, 512), frames=2)]
    for preset in DIS_PRESETS:
        flow = create_flow(FlowSettings("dis", preset), "cuda")
        assert isinstance(flow, TorchFlow)
        flow(*frames)
        inputs = [torch.from_numpy(frame)[None, None].cuda() for frame in frames]
        seconds = median_seconds(lambda flow=flow, inputs=inputs: flow.on_device(*inputs))
        moved = least_traffic(dis_preset(preset), 512, 1024)
        print(f"| {flow.name} | {1e3 * seconds:.2f} | {moved / 1e6:.0f} | {moved / bandwidth / seconds:.2f} |")


def least_traffic(preset: DisPreset, height: int, width: int) -> int:
    """Bytes that a pair moves if every launch of Triton's flow reads its arrays once and writes its result once."""
    values = 0
    sizes = pyramid_sizes(height, width, preset.finest_scale)
    for level, (rows, columns) in sizes.items():
        pixels, grid = rows * columns, patch_grid(rows, columns, preset.stride)
        patches = grid[0] * grid[1]
        rounds = 1 + len(patch_hops(*grid, top=level == max(sizes)))
        values += 10 * pixels  # both images shrunk from four times as many pixels
        values += rounds * (2 * pixels + 6 * patches)  # both images; vector and misfit read and written
        values += 4 * pixels + 3 * patches  # both images and the vectors to a field
        # warped, first derivatives, constraints; and those, two fields and the next for each fixed point
        values += pixels * (6 + 6 + 15 + 15 * preset.refinements) * bool(preset.refinements)
    return 4 * (values + 2 * height * width)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--data", type=Path, default=_DATA, help="folder of pairs (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=5, help="timed calls a pair (default: %(default)s)")
    arguments = parser.parse_args()
    pairs = [load_pair(path.parent) for path in sorted(arguments.data.glob("*/flow12.flo"))]
    if not pairs:
        parser.error(f"{arguments.data}: no folder in it has a flow12.flo")
    sizes = ", ".join(sorted({f"{pair.previous.shape[1]}x{pair.previous.shape[0]}" for pair in pairs}))
    print(f"AEE in pixels; pairs of {sizes}; OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads\n")
    print_accuracy(pairs, rendered_pairs(6), arguments.repeat)
    print_batches(arguments.repeat)
    print_priors()
    print_cuda()


if __name__ == "__main__":
    main()
