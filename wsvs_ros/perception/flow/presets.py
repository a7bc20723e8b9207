"""The presets of Dense Inverse Search, shared by its implementations."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wsvs_ros.perception.flow.interface import FlowError

PATCH = 8  # side of a patch, pixels
_ROUNDS_AT_TOP = 4  # of spreading


@dataclass(frozen=True)
class DisPreset:
    """
    What distinguishes the presets.

    :param finest_scale: pyramid level at which the search stops: 2 is a quarter of the size.
    :param stride: distance of the patches, pixels.
    :param iterations: steps of each patch's search, on each level; OpenCV's alone, others converge in fewer.
    :param refinements: fixed points of the variational refinement, on each level.
    """

    finest_scale: int
    stride: int
    iterations: int
    refinements: int


# the first three are OpenCV's ULTRAFAST, FAST and MEDIUM
_PRESETS = {
    "ultrafast": DisPreset(2, 4, 12, 0),
    "fast": DisPreset(2, 4, 16, 5),
    "balanced": DisPreset(1, 3, 25, 5),
    "fine": DisPreset(0, 3, 25, 10),
}
DIS_PRESETS = tuple(_PRESETS)


def dis_preset(name: str) -> DisPreset:
    """
    A preset by its name.

    :raises FlowError: if there is no such preset.
    """
    if name not in _PRESETS:
        raise FlowError(f"flow preset {name!r}: expected one of {', '.join(_PRESETS)}")
    return _PRESETS[name]


def padding(height: int, width: int, finest_scale: int) -> tuple[int, int]:
    """
    Rows below and columns to the right that an image lacks for its pyramid to reach down to the finest scale.

    The pyramid's top has at least one patch along the shorter side and about four along the longer one:
    log2(shorter / 8) >= finest and log2(longer / 32) + 0.5 >= finest.
    """
    shorter, longer = PATCH << finest_scale, 23 << finest_scale
    least_height, least_width = (shorter, longer) if width >= height else (longer, shorter)
    return max(0, least_height - height), max(0, least_width - width)


def pyramid_sizes(height: int, width: int, finest_scale: int) -> dict[int, tuple[int, int]]:
    """
    Height and width of each pyramid level, finest first.

    The top has about four patches along the longer side, and at least one along the shorter.

    :raises FlowError: if the image is too small for its finest scale; see `padding`.
    """
    if any(padding(height, width, finest_scale)):
        raise FlowError(f"optical flow: an image of {width}x{height} has no pyramid down to scale {finest_scale}")
    long = math.floor(math.log2(max(height, width) / (4 * PATCH)) + 0.5)
    coarsest = min(long, math.floor(math.log2(min(height, width) / PATCH)))
    return {level: (height >> level, width >> level) for level in range(finest_scale, coarsest + 1)}


def patch_grid(height: int, width: int, stride: int) -> tuple[int, int]:
    """Rows and columns of patches over a level; the last ones may reach beyond it, so that they cover it all."""
    return -(-(height - PATCH) // stride) + 1, -(-(width - PATCH) // stride) + 1


def patch_hops(rows: int, columns: int, *, top: bool) -> tuple[int, ...]:
    """
    Over how many patches good vectors spread, in this order: twice from about an eighth of the grid, at least two
    patches, down to one.

    Twice, for a vector from far is polished, and may then be worth spreading to what is near.

    :param top: on the coarsest level, where large motions are found or never: more often.
    """
    farthest = max(1, math.floor(math.log2(max(rows, columns) / 8) + 0.5))
    return (_ROUNDS_AT_TOP if top else 2) * tuple(1 << power for power in range(farthest, -1, -1))
