"""Dense Inverse Search (Kroeger 2016) as OpenCV has it: the flow for the CPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from wsvs_ros.cores import usable_cores
from wsvs_ros.perception.flow.interface import Flow, check_pair
from wsvs_ros.perception.flow.presets import PATCH, DisPreset, dis_preset, padding


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
        chosen = dis_preset(preset)
        self.name = f"dis-{preset}"
        self._preset = preset
        self._finest_scale = chosen.finest_scale
        # OpenCV's object tries its last initial flow again in every later call that has none: so one for each
        self._dis, self._guided = _create(chosen), _create(chosen)

    def __call__(
        self, previous: np.ndarray, current: np.ndarray, out: Flow | None = None, initial: Flow | None = None
    ) -> Flow:
        """
        Compute where each pixel of `previous` went; see `FlowAlgorithm`.

        Images too small for the pyramid are continued beyond their right and lower edge by their last pixels:
        OpenCV would pick other levels, keep them for every later image, and read beyond an image of few rows.
        """
        check_pair(previous, current, out, initial)
        height, width = previous.shape
        if out is None:
            out = np.empty((2, height, width), np.float32)
        bottom, right = padding(height, width, self._finest_scale)
        if right or bottom:
            previous, current = (self._extend(image, bottom, right) for image in (previous, current))
        # OpenCV takes no views with gaps, and what the array for the result holds as the initial flow
        previous, current = np.ascontiguousarray(previous), np.ascontiguousarray(current)
        if initial is None:
            field = self._dis.calc(previous, current, None)
        else:
            guess = self._extend(cv2.merge([initial[0], initial[1]]), bottom, right)
            field = self._guided.calc(previous, current, guess)
        cv2.split(field[:height, :width], [out[0], out[1]])
        return out

    @staticmethod
    def _extend(image: np.ndarray, bottom: int, right: int) -> np.ndarray:
        return cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)

    def batch(self, previous: np.ndarray, current: np.ndarray) -> np.ndarray:
        """Compute the flow of many pairs, several at once; see `FlowAlgorithm`."""
        check_pair(previous, current, batched=True)
        flows = np.empty((len(previous), 2, *previous.shape[1:]), np.float32)
        # a pair alone keeps two cores busy for a part of its time only
        workers = max(1, min(usable_cores(), len(flows)))

        def work(first: int) -> None:
            flow = OpenCvDis(self._preset)
            for index in range(first, len(flows), workers):
                flow(previous[index], current[index], out=flows[index])

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
        return flows


def _create(preset: DisPreset) -> cv2.DISOpticalFlow:
    dis = cv2.DISOpticalFlow_create()
    dis.setPatchSize(PATCH)
    dis.setPatchStride(preset.stride)
    dis.setGradientDescentIterations(preset.iterations)
    dis.setVariationalRefinementIterations(preset.refinements)
    dis.setFinestScale(preset.finest_scale)
    return dis
