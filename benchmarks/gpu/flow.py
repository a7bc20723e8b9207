"""Flow on a GPU: as accurate as OpenCV's, the same in Triton as in torch, and how fast when captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import cv2
import numpy as np
import torch

from benchmarks.cuda import copy_bandwidth, median_seconds
from benchmarks.flow import _DATA, Pair, end_point_error, least_traffic, load_pair, rendered_pairs
from benchmarks.gpu.parts import Row, without_gpu
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import FlowSettings
from wsvs_ros.perception.flow import FlowAlgorithm, create_flow
from wsvs_ros.perception.flow.dis import dis_flow
from wsvs_ros.perception.flow.presets import DIS_PRESETS, dis_preset
from wsvs_ros.perception.flow.torch_flow import TorchFlow

_SIZES = ((480, 360), (1024, 512))
_WANTED_MS = 1.0  # a pair of 1024x512, preset `fast`


def accuracy() -> Iterator[Row]:
    """End-point errors of what a GPU computes, as shares of OpenCV's; without one those of torch, for one preset."""
    missing = without_gpu()
    if missing:
        yield missing
    device = "cpu" if missing else "cuda"
    real = [load_pair(path.parent) for path in sorted(_DATA.glob("*/flow12.flo"))]
    for preset in ("fast",) if missing else DIS_PRESETS:
        flows: dict[str, FlowAlgorithm] = {
            "chosen": create_flow(FlowSettings("dis", preset), device),
            "torch": TorchFlow("dis", partial(dis_flow, preset=dis_preset(preset)), device),
        }
        for name, pairs in (("rendered", rendered_pairs(2)), ("real", real)):
            yield from (compare(name, preset, flow, pairs) for flow in flows.values() if pairs)


def compare(name: str, preset: str, flow: FlowAlgorithm, pairs: list[Pair]) -> Row:
    """One flow's mean error on some pairs, as pixels and as a share of OpenCV's preset."""
    reference = create_flow(FlowSettings("dis", preset))
    errors, others = (
        float(np.mean([end_point_error(function(pair.previous, pair.current), pair) for pair in pairs]))
        for function in (flow, reference)
    )
    return {"what": f"{flow.name}, {preset}, {len(pairs)} {name} pairs", "AEE": errors, "of OpenCV's": errors / others}


def times() -> Iterator[Row]:
    """Captured milliseconds a pair, and the share of them that the memory's speed accounts for."""
    if row := without_gpu():
        yield row
        return
    bandwidth = copy_bandwidth()
    for width, height in _SIZES:
        frames = [cv2.cvtColor(item.image, cv2.COLOR_BGR2GRAY) for item in SyntheticDrive((width, height), frames=2)]
        inputs = [torch.from_numpy(frame)[None, None].cuda() for frame in frames]
        for preset in DIS_PRESETS:
            torch.cuda.reset_peak_memory_stats()
            flow = create_flow(FlowSettings("dis", preset), "cuda")
            assert isinstance(flow, TorchFlow)
            captured: Callable[[], object] = partial(flow.on_device, *inputs)
            seconds = median_seconds(captured)
            moved = least_traffic(dis_preset(preset), height, width)
            row = {
                "what": f"{flow.name}, {width}x{height}, captured",
                "ms": 1e3 * seconds,
                "share of the bandwidth floor": moved / bandwidth / seconds,
                "peak MB": torch.cuda.max_memory_allocated() / 1e6,
            }
            if (preset, width) == ("fast", 1024):
                row["wanted ms"] = _WANTED_MS
            yield row
