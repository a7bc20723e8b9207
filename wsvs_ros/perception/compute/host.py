"""The segmenter's computations on NumPy arrays, whatever the engine computes on."""

from __future__ import annotations

import time
from functools import cached_property

import numpy as np

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.host_motion import HostMotion
from wsvs_ros.perception.crf import CrfSettings, ScoreRefiner
from wsvs_ros.perception.engines import Engine
from wsvs_ros.perception.postprocess import enlarge, label_scores, label_size
from wsvs_ros.perception.preprocess import split_rgb
from wsvs_ros.perception.tracker import TrackedFrame


class OnHost(HostMotion):
    """
    A `Compute` on arrays.

    :param bundle: the model.
    :param engine: runs its network.
    :param motion: False leaves the flow out.
    :param crf: refine the scores by this CRF.
    :param device: where flow and CRF are computed, see `create_flow`.
    """

    def __init__(
        self, bundle: ModelBundle, engine: Engine, *, motion: bool, crf: CrfSettings | None, device: str = "cpu"
    ) -> None:
        super().__init__(bundle, motion=motion, device=device)
        self.engine = engine
        self.way = f"flow on {device}, window in the host's memory" if motion else "no flow"
        self._device = device
        self._refine: ScoreRefiner | None = None
        self.set_crf(crf)
        self._planes = np.empty((3, *bundle.working_size[::-1]), np.uint8)

    def set_crf(self, crf: CrfSettings | None) -> None:
        """Refine the scores of the next frames by this CRF, or leave them."""
        size = self._bundle.working_size
        self._refine = None if crf is None else ScoreRefiner(crf, size, device=self._device)

    def infer(self, tracked: TrackedFrame) -> tuple[HostOutput, dict[str, float]]:
        """Scores of a frame; see `Compute`."""
        start = time.perf_counter()
        split_rgb(tracked.image, self._planes)
        split = time.perf_counter()
        scores = self.engine.infer(self._planes, tracked.stack)
        inferred = time.perf_counter()
        seconds = {"resize": split - start, "engine": inferred - split}
        if self._refine is not None:
            scores = self._refine(scores, tracked.image)
            seconds["crf"] = time.perf_counter() - inferred
        return HostOutput(scores, self._bundle.working_size, tracked.frame.size), seconds

    def close(self) -> None:
        """Free the engine."""
        self.engine.close()


class HostOutput:
    """
    A `NetworkOutput` in arrays.

    :param scores: (N, h, w) float32.
    :param working_size: width and height of the network's input.
    :param camera_size: width and height of the frame.
    """

    def __init__(self, scores: np.ndarray, working_size: tuple[int, int], camera_size: tuple[int, int]) -> None:
        self.scores = scores
        self._working_size, self._camera_size = working_size, camera_size

    def labels(self) -> np.ndarray:
        """(H, W) uint8 class ids."""
        return enlarge(self._made[0], self._camera_size)

    def confidence(self) -> np.ndarray:
        """(H, W) float32 probability of the labels."""
        return enlarge(self._made[1], self._camera_size)

    @cached_property
    def _made(self) -> tuple[np.ndarray, np.ndarray]:
        """Labels and confidence, not yet enlarged: of a large camera mostly one of them is wanted."""
        return label_scores(self.scores, label_size(self._working_size, self._camera_size))
