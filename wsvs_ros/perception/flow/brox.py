"""Variational optical flow after Brox 2004, the paper's choice (BF ref. 6), in batched torch; for offline use."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.flow.interface import FlowError
from wsvs_ros.perception.flow.variational import VariationalSettings, refine
from wsvs_ros.perception.flow.warp import resize_flow

_SMALLEST_SIDE = 16  # pixels at the top of the pyramid
_ENERGY = VariationalSettings(smoothness=12.0, brightness=2.0, gradient=10.0, fixed_points=3, relaxations=10)
_MEDIAN = 5  # side of the median filter, pixels


@dataclass(frozen=True)
class BroxPreset:
    """
    :param factor: of the size from one level of the pyramid to the next.
    :param warps: linearisations on each level.
    """

    factor: float
    warps: int


_PRESETS = {"fast": BroxPreset(0.7, 2), "balanced": BroxPreset(0.8, 3), "fine": BroxPreset(0.9, 3)}


def brox_preset(name: str) -> BroxPreset:
    """
    A preset by its name.

    :raises FlowError: if there is no such preset.
    """
    if name not in _PRESETS:
        raise FlowError(f"flow preset {name!r}: brox has {', '.join(_PRESETS)}")
    return _PRESETS[name]


def brox_flow(previous: Tensor, current: Tensor, initial: Tensor | None = None, *, preset: BroxPreset) -> Tensor:
    """
    Minimise one robust energy over a pyramid of warped images, from coarse to fine.

    Beyond the original, data terms are normalised by the image gradient (Zimmer 2011) and each linearisation is
    followed by a median filter (Sun 2010).

    :param previous: (B, 1, H, W) float32 gray, 0 to 255.
    :param current: (B, 1, H, W), as well.
    :param initial: (B, 2, H, W) float32 pixels, where to begin; without it from zero.
    :return: (B, 2, H, W) float32 pixels.
    """
    sizes = [(previous.shape[2], previous.shape[3])]
    while min(sizes[-1]) * preset.factor >= _SMALLEST_SIDE:
        height, width = sizes[-1]
        sizes.append((round(height * preset.factor), round(width * preset.factor)))
    flow = previous.new_zeros(len(previous), 2, *sizes[-1]) if initial is None else resize_flow(initial, sizes[-1])
    for size in reversed(sizes):
        first, second = (
            F.interpolate(images, size=size, mode="bilinear", antialias=True, align_corners=False)
            for images in (previous, current)
        )
        flow = resize_flow(flow, size)
        for _ in range(preset.warps):
            flow = _median(refine(first, second, flow, _ENERGY))
    return flow


def _median(flow: Tensor) -> Tensor:
    reach = _MEDIAN // 2
    around = F.pad(flow, (reach, reach, reach, reach), mode="replicate")
    return around.unfold(2, _MEDIAN, 1).unfold(3, _MEDIAN, 1).flatten(4).median(4).values
