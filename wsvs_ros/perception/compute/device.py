"""The segmenter's computations on a GPU: one frame goes up, one label map comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.device_images import Resize, enlarge, gray, label_maps
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.cuda.devices import torch_device
from wsvs_ros.perception.cuda.graphs import CapturedFunction
from wsvs_ros.perception.engines import DeviceEngine
from wsvs_ros.perception.flow.create import create_torch_flow
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.tracker import TrackedFrame

_SIZES = 4  # cameras' resolutions whose resizing is kept


class OnDevice:
    """
    A `Compute` on torch tensors: resize, flow, window, network, CRF and label map in the order of one stream.

    Nothing waits for the GPU but who asks for a label map. What is captured as a CUDA graph is captured at
    once, before other threads may disturb it.

    :param bundle: the model.
    :param engine: runs its network on `device`.
    :param motion: False leaves the flow out.
    :param crf: refine the scores by this CRF, at half the working size.
    :param device: `cuda` or `cuda:<number>`; `cpu` computes the same, slowly.
    """

    def __init__(
        self, bundle: ModelBundle, engine: DeviceEngine, *, motion: bool, crf: CrfSettings | None, device: str
    ) -> None:
        self.engine = engine
        self.motion = motion
        self._bundle = bundle
        self._device = torch_device(device)
        self._stream = torch.cuda.Stream(self._device) if self._device.type == "cuda" else None
        self._flow = create_torch_flow(bundle.flow, device) if motion else None
        self._crf: Callable[[Tensor, Tensor], Tensor] | None = None
        self.set_crf(crf)
        self._resize = lru_cache(_SIZES)(lambda size: Resize(size, bundle.working_size, self._device))
        self._warm_up()

    def set_crf(self, crf: CrfSettings | None) -> None:
        """Refine the scores of the next frames by this CRF, or leave them."""
        half = None if crf is None else crf.scaled(0.5)
        self._crf = None
        if half is not None:
            self._crf = self._captured(lambda scores, images: DenseCrf(images, half).infer(scores))

    @contextmanager
    def scope(self) -> Iterator[None]:
        """The stream of all computations."""
        with torch.no_grad(), nullcontext() if self._stream is None else torch.cuda.stream(self._stream):
            yield

    def prepare(self, image: np.ndarray) -> tuple[Tensor, Tensor | None]:
        """(1, 3, H, W) uint8 RGB at the working size, and (1, 1, H, W) uint8 gray if there is motion to find."""
        size = (image.shape[1], image.shape[0])
        pixels = torch.from_numpy(np.ascontiguousarray(image))
        if self._stream is not None:
            pixels = pixels.pin_memory().to(self._device, non_blocking=True)
        resized = self._resize(size)(pixels.permute(2, 0, 1)[None]).flip(1).contiguous()
        return resized, gray(resized) if self.motion else None

    def flow(self, previous: Tensor, current: Tensor, out: Tensor, initial: Tensor | None) -> Tensor:
        """The flow between two gray images, into `out`."""
        assert self._flow is not None
        guess = [] if initial is None else [initial[None]]
        return out.copy_(self._flow.on_device(previous, current, *guess)[0])

    def zeros(self, shape: tuple[int, ...]) -> Tensor:
        """A float32 tensor of zeros."""
        return torch.zeros(shape, device=self._device)

    def infer(self, tracked: TrackedFrame) -> tuple[DeviceOutput, dict[str, float]]:
        """Set the network going, and the label map's way back; see `Compute`."""
        start = time.perf_counter()
        with self.scope():
            outputs = self.engine.infer_tensors(tracked.image, tracked.stack[None])
            launched = time.perf_counter()
            seconds = {"resize": 0.0, "engine": launched - start}
            scores = outputs["scores"].clone()  # the next frame's overwrite them
            size = tracked.frame.size
            if self._crf is not None:
                scores = self._refine(self._crf, scores, tracked.image)
                seconds["crf"] = time.perf_counter() - launched
            if "labels" in outputs and self._crf is None:
                maps = tuple(enlarge(outputs[name][0].clone(), size) for name in ("labels", "confidence"))
            else:
                maps = label_maps(scores, self._bundle.working_size, size)
            return DeviceOutput(scores, maps[0], maps[1], self.scope, self._stream), seconds

    def close(self) -> None:
        """Free the engine."""
        self.engine.close()

    def _refine(self, crf: Callable[[Tensor, Tensor], Tensor], scores: Tensor, image: Tensor) -> Tensor:
        size = [-(-side // 2) for side in image.shape[2:]]
        colours = Resize((image.shape[3], image.shape[2]), (size[1], size[0]), self._device)(image)
        return crf(F.interpolate(scores, size=size, mode="bilinear", align_corners=False), colours).clone()

    def _captured(self, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return function if self._stream is None else CapturedFunction(function)

    def _warm_up(self) -> None:
        width, height = self._bundle.working_size
        black = np.zeros((height, width, 3), np.uint8)
        with self.scope():
            stack = self.zeros(self._bundle.input_shapes["flow"][1:])
            image, plane = self.prepare(black)
            if plane is not None:
                for initial in (None, stack[:2]):
                    self.flow(plane, plane, torch.empty_like(stack[:2]), initial)
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
