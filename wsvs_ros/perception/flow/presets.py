"""The presets of Dense Inverse Search, shared by its implementations."""

from __future__ import annotations

from dataclasses import dataclass

from wsvs_ros.perception.flow.interface import FlowError

PATCH = 8  # side of a patch, pixels


@dataclass(frozen=True)
class DisPreset:
    """
    What distinguishes the presets.

    :param finest_scale: pyramid level at which the search stops: 2 is a quarter of the size.
    :param stride: distance of the patches, pixels.
    :param iterations: steps of each patch's search, on each level.
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
