"""Dense Inverse Search (Kroeger 2016) as OpenCV has it: the flow for the CPU."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from wsvs_ros.perception.flow.interface import Flow, FlowError, check_pair


@dataclass(frozen=True)
class _Preset:
    opencv: int
    finest_scale: int
    refinements: int | None = None


# finest_scale is the pyramid level at which the search stops: 2 is a quarter of the size. The first three are
# those of OpenCV's presets.
_PRESETS = {
    "ultrafast": _Preset(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST, 2),
    "fast": _Preset(cv2.DISOPTICAL_FLOW_PRESET_FAST, 2),
    "balanced": _Preset(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, 1),
    "fine": _Preset(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, 0, refinements=10),
}


class OpenCvDis:
    """
    OpenCV's DIS optical flow; one instance for one stream of frames.

    The presets, from fast to accurate: `ultrafast`, `fast` (OpenCV's own default) and `balanced` are
    OpenCV's ULTRAFAST, FAST and MEDIUM; `fine` is MEDIUM that goes down to the full resolution and refines
    the field 10 times instead of 5: some 20 times the work of `fast`, for use offline.

    :param preset: one of the names above.
    :raises FlowError: if there is no such preset.
    """

    def __init__(self, preset: str = "fast") -> None:
        if preset not in _PRESETS:
            raise FlowError(f"flow preset {preset!r}: expected one of {', '.join(_PRESETS)}")
        chosen = _PRESETS[preset]
        self.name = f"dis-{preset}"
        self._dis = cv2.DISOpticalFlow_create(chosen.opencv)
        if chosen.refinements is not None:
            self._dis.setFinestScale(chosen.finest_scale)
            self._dis.setVariationalRefinementIterations(chosen.refinements)
        # On images too small for its pyramid OpenCV picks other levels by the width alone, keeps them for
        # every later image, and reads beyond an image of few rows (NaN, crashes). From these sides on it
        # keeps the preset's: log2(shorter / 8) >= finest and log2(longer / 32) + 0.5 >= finest.
        self._shorter = 8 << chosen.finest_scale
        self._longer = 23 << chosen.finest_scale

    def __call__(self, previous: np.ndarray, current: np.ndarray, out: Flow | None = None) -> Flow:
        """
        Compute where each pixel of `previous` went; see `FlowAlgorithm`.

        Images too small for the pyramid are continued beyond their right and lower edge by their last pixels.
        """
        check_pair(previous, current)
        height, width = previous.shape
        if out is None:
            out = np.empty((2, height, width), np.float32)
        elif out.shape != (2, height, width) or out.dtype != np.float32 or not out.flags.c_contiguous:
            raise FlowError(
                f"optical flow: out is {out.shape} {out.dtype}, expected {(2, height, width)} float32, "
                f"contiguous, for images of {previous.shape}"
            )
        right, bottom = self._padding(width, height)
        if right or bottom:
            previous, current = (
                cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE) for image in (previous, current)
            )
        # OpenCV takes no views with gaps; and no output array, or its content would be the initial flow
        field = self._dis.calc(np.ascontiguousarray(previous), np.ascontiguousarray(current), None)
        cv2.split(field[:height, :width], [out[0], out[1]])
        return out

    def _padding(self, width: int, height: int) -> tuple[int, int]:
        if width >= height:
            least_width, least_height = self._longer, self._shorter
        else:
            least_width, least_height = self._shorter, self._longer
        return max(0, least_width - width), max(0, least_height - height)
