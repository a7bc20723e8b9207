"""The segmenter's computations on a GPU: network, CRF and label map; one label map comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.device_images import Resize, label_maps
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.cuda.graphs import captured
from wsvs_ros.perception.engines import DeviceEngine
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.tracker import MotionCompute, TrackedFrame


class DeviceSource(MotionCompute, Protocol):
    """Brings frames to a GPU, with their flow: `DeviceMotion` or `UploadedMotion`."""

    way: str
    device: torch.device
    stream: torch.cuda.Stream | None


class OnDevice:
    """
    A `Compute` on torch tensors, in the order of one stream.

    Nothing waits for the GPU but who asks for a label map. What is captured as a CUDA graph is captured when this
    is made or the CRF is set, not in the midst of a drive.

    :param bundle: the model.
    :param engine: runs its network on the device of `source`.
    :param source: brings frames there, with the flow, wherever that is computed.
    :param crf: refine the scores by this CRF, at half the working size.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        engine: DeviceEngine,
        source: DeviceSource,
        *,
        crf: CrfSettings | None,
    ) -> None:
        self.engine = engine
        self.motion, self.way = source.motion, source.way
        self.scope, self.prepare, self.flow, self.zeros = source.scope, source.prepare, source.flow, source.zeros
        self._bundle = bundle
        self._device, self._stream = source.device, source.stream
        width, height = bundle.working_size
        self._half = (-(-width // 2), -(-height // 2))
        self._halve = Resize(bundle.working_size, self._half, self._device)
        self._crf: Callable[[Tensor, Tensor], Tensor] | None = None
        self.set_crf(crf)
        self._warm_up()

    def set_crf(self, crf: CrfSettings | None) -> None:
        """Refine the scores of the next frames by this CRF, or leave them; the old one stays if this one fails."""
        if crf is None:
            self._crf = None
            return
        half = crf.scaled(0.5)
        refine = captured(lambda scores, images: DenseCrf(images, half).infer(scores), self._device)
        width, height = self._half
        classes = len(self._bundle.labels)
        with self.scope():
            scores = torch.full((1, classes, height, width), 1 / classes, device=self._device)
            refine(scores, torch.zeros((1, 3, height, width), dtype=torch.uint8, device=self._device))
        self._crf = refine

    def infer(self, tracked: TrackedFrame) -> tuple[DeviceOutput, dict[str, float]]:
        """Set the network going, and the label map's way back; see `Compute`."""
        start = time.perf_counter()
        with self.scope():
            outputs = self.engine.infer_tensors(tracked.image, tracked.stack[None])
            launched = time.perf_counter()
            seconds = {"resize": 0.0, "engine": launched - start}
            scores = outputs["scores"].clone()  # the next frame's overwrite them
            if self._crf is not None:
                scores = self._refine(self._crf, scores, tracked.image)
                seconds["crf"] = time.perf_counter() - launched
            labels, confidence = label_maps(scores, self._bundle.working_size, tracked.frame.size)
            return DeviceOutput(scores, labels, confidence, self.scope, self._stream), seconds

    def close(self) -> None:
        """Free the engine."""
        self.engine.close()

    def _refine(self, crf: Callable[[Tensor, Tensor], Tensor], scores: Tensor, image: Tensor) -> Tensor:
        enlarged = F.interpolate(scores, size=self._half[::-1], mode="bilinear", align_corners=False)
        return crf(enlarged, self._halve(image)).clone()

    def _warm_up(self) -> None:
        width, height = self._bundle.working_size
        black = np.zeros((height, width, 3), np.uint8)
        with self.scope():
            stack = self.zeros(self._bundle.input_shapes["flow"][1:])
            image, plane = self.prepare(black)
            if plane is not None:
                field = None
                for _ in range(2):  # without a guess, and with one
                    field = self.flow(plane, plane, torch.empty_like(stack[:2]), field)
            self.infer(TrackedFrame(Frame(black, 0), image, stack, 0, {}))[0].labels()


class DeviceOutput:
    """
    A `NetworkOutput` on its way from the GPU.

    :param scores: (1, N, h, w) float32.
    :param labels: (H, W) uint8; its copy to the host is begun at once.
    :param confidence: (H, W) float32; copied when it is asked for.
    :param scope: enters the stream that computes them.
    :param stream: this stream; None on a CPU.
    """

    def __init__(
        self,
        scores: Tensor,
        labels: Tensor,
        confidence: Tensor,
        scope: Callable[[], AbstractContextManager[object]],
        stream: torch.cuda.Stream | None,
    ) -> None:
        self._scores, self._confidence, self._scope = scores, confidence, scope
        self._labels, self._arrived = labels, None
        if stream is not None:
            self._labels = torch.empty(labels.shape, dtype=labels.dtype, pin_memory=True)
            self._labels.copy_(labels, non_blocking=True)
            self._arrived = stream.record_event()

    @property
    def scores(self) -> np.ndarray:
        """(N, h, w) float32."""
        with self._scope():
            return self._scores[0].cpu().numpy()

    def labels(self) -> np.ndarray:
        """(H, W) uint8 class ids, once they have arrived."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._labels.numpy()

    def confidence(self) -> np.ndarray:
        """(H, W) float32 probability of the labels."""
        with self._scope():
            return self._confidence.cpu().numpy()
