"""The segmenter's computations on NumPy arrays, whatever the engine computes on."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

import numpy as np

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.crf import CrfSettings, ScoreRefiner
from wsvs_ros.perception.engines import Engine, Maps
from wsvs_ros.perception.flow import Flow, create_flow
from wsvs_ros.perception.postprocess import enlarge, label_scores, label_size
from wsvs_ros.perception.preprocess import resize_image, split_rgb, to_gray
from wsvs_ros.perception.tracker import TrackedFrame
from wsvs_ros.perception.window import host_zeros


class OnHost:
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
        self.engine = engine
        self.motion = motion
        self._bundle = bundle
        self._device = device
        self._flow = create_flow(bundle.flow, device) if motion else None
        self._refine: ScoreRefiner | None = None
        self.set_crf(crf)
        self._planes = np.empty((3, *bundle.working_size[::-1]), np.uint8)

    def set_crf(self, crf: CrfSettings | None) -> None:
        """Refine the scores of the next frames by this CRF, or leave them."""
        size = self._bundle.working_size
        self._refine = None if crf is None else ScoreRefiner(crf, size, device=self._device)

    def scope(self) -> AbstractContextManager[object]:
        """Nothing special."""
        return nullcontext()

    def prepare(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """(H, W, 3) uint8 BGR at the working size, and (H, W) uint8 gray if there is motion to find."""
        image = resize_image(image, self._bundle.working_size)
        return image, to_gray(image) if self.motion else None

    def flow(self, previous: np.ndarray, current: np.ndarray, out: Flow, initial: Flow | None) -> Flow:
        """The flow between two gray images, into `out`."""
        assert self._flow is not None
        return self._flow(previous, current, out=out, initial=initial)

    def zeros(self, shape: tuple[int, ...]) -> np.ndarray:
        """A float32 array of zeros."""
        return host_zeros(shape)

    def infer(self, tracked: TrackedFrame) -> tuple[HostOutput, dict[str, float]]:
        """Scores, or the graph's own label map, of a frame; see `Compute`."""
        start = time.perf_counter()
        split_rgb(tracked.image, self._planes)
        split = time.perf_counter()
        maps = None
        if "labels" in self._bundle.outputs and self._refine is None:
            maps = self.engine.infer_maps(self._planes, tracked.stack)
            scores = maps.scores
        else:
            scores = self.engine.infer(self._planes, tracked.stack)
        inferred = time.perf_counter()
        seconds = {"resize": split - start, "engine": inferred - split}
        if self._refine is not None:
            scores = self._refine(scores, tracked.image)
            seconds["crf"] = time.perf_counter() - inferred
        return HostOutput(scores, self._bundle.working_size, tracked.frame.size, maps), seconds

    def close(self) -> None:
        """Free the engine."""
        self.engine.close()


class HostOutput:
    """
    A `NetworkOutput` in arrays.

    :param scores: (N, h, w) float32.
    :param working_size: width and height of the network's input.
    :param camera_size: width and height of the frame.
    :param maps: the graph's own label map, if it makes one.
    """

    def __init__(
        self,
        scores: np.ndarray,
        working_size: tuple[int, int],
        camera_size: tuple[int, int],
        maps: Maps | None = None,
    ) -> None:
        self.scores = scores
        self._working_size, self._camera_size = working_size, camera_size
        self._maps = maps

    def labels(self) -> np.ndarray:
        """(H, W) uint8 class ids."""
        return enlarge(self._made[0], self._camera_size)

    def confidence(self) -> np.ndarray:
        """(H, W) float32 probability of the labels."""
        return enlarge(self._made[1], self._camera_size)

    @cached_property
    def _made(self) -> tuple[np.ndarray, np.ndarray]:
        """Labels and confidence, not yet enlarged: of a large camera mostly one of them is wanted."""
        if self._maps is not None:
            return self._maps.labels, self._maps.confidence
        return label_scores(self.scores, label_size(self._working_size, self._camera_size))
