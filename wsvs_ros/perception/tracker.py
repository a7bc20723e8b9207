"""FrameTracker: gives each frame of a camera the motion around it."""

from __future__ import annotations

import time
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from wsvs_ros.errors import quoted
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.window import FlowWindow


class MotionCompute(Protocol):
    """What the tracker computes with, on arrays or on torch tensors."""

    motion: bool

    def scope(self) -> AbstractContextManager[object]:
        """Where all of this, and the moving of the window's arrays, has to happen: on a GPU, one stream."""

    def prepare(self, image: np.ndarray) -> tuple[Any, Any]:
        """The camera's (H, W, 3) uint8 BGR at the working size, as the network is fed from it, and in gray."""

    def flow(self, previous: Any, current: Any, out: Any, initial: Any | None) -> Any:
        """The flow between two gray images, written into `out`, which is returned."""

    def zeros(self, shape: tuple[int, ...]) -> Any:
        """A float32 array of zeros."""


@dataclass(frozen=True)
class TrackedFrame:
    """
    A frame with its window: what the network takes in.

    :param frame: the frame, as it was given.
    :param image: at the working size, as `MotionCompute.prepare` gave it.
    :param stack: (2L, H, W) float32 flow fields, oldest first.
    :param filled: how many of the L fields are flow; the others are zero.
    :param seconds: time by stage: `resize` (to working size and gray) and `flow`.
    """

    frame: Frame
    image: Any
    stack: Any
    filled: int
    seconds: dict[str, float]


class FrameTracker:
    """
    Computes the flow of a stream of frames, once a frame, and hands out frames whose window is complete.

    The window of frame t holds the fields (t - L + lookahead, t + lookahead], field j being the flow from
    frame j - 1 to frame j; what does not exist is zero.

    :param bundle: working size and window length.
    :param compute: resizes and finds the flow; without motion the flow stays zero, and no frame waits.
    :param lookahead: frames of future that a frame waits for.
    :param max_gap: longest time between two frames of one stream, seconds.
    :param flow_prior: whether each flow begins with a guess, the flow of the frame before.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        compute: MotionCompute,
        *,
        lookahead: int,
        max_gap: float,
        flow_prior: bool = False,
    ) -> None:
        self._compute = compute
        self._lookahead = lookahead if compute.motion else 0
        self._max_gap = max_gap
        with compute.scope():
            self._window = FlowWindow(bundle.window_length, bundle.working_size, compute.zeros)
        self._flow_prior = flow_prior
        self._last: Frame | None = None
        self._gray: Any = None
        self._field: Any = None
        self._waiting: deque[tuple[Frame, Any, dict[str, float]]] = deque()

    def wait_for(self, lookahead: int) -> None:
        """Wait for another number of frames from the next one on; those that wait now are dropped."""
        self._waiting.clear()
        self._lookahead = lookahead if self._compute.motion else 0

    @property
    def waiting(self) -> int:
        """How many frames wait for their future."""
        return len(self._waiting)

    def breaks_off(self, frame: Frame) -> str:
        """In which way `frame` does not continue the stream, in words; empty if it does."""
        last = self._last
        if last is None:
            return ""
        if frame.frame_id != last.frame_id:
            return f"frame_id changed from {quoted(last.frame_id)} to {quoted(frame.frame_id)}"
        if frame.size != last.size:
            return f"the image's size changed from {last.size[0]}x{last.size[1]} to {frame.size[0]}x{frame.size[1]}"
        gap = (frame.stamp_ns - last.stamp_ns) * 1e-9
        if gap < 0:
            return f"the stamp jumped back by {-gap:.3g} s"
        if gap > self._max_gap:
            return f"{gap:.3g} s between two frames, more than max_gap, {self._max_gap:g} s"
        return ""

    def add(self, frame: Frame) -> list[TrackedFrame]:
        """
        Resize the frame once, compute its flow once, and let it into the window.

        :return: the frame `lookahead` before it, which this one completes; empty at the stream's beginning.
        :raises ValueError: if it `breaks_off`: then the stream has to be ended before, by `finish` or `drop`.
        """
        if reason := self.breaks_off(frame):
            raise ValueError(f"the frame does not continue the stream ({reason}): call finish() or drop() before")
        with self._compute.scope():
            return self._add(frame)

    def _add(self, frame: Frame) -> list[TrackedFrame]:
        start = time.perf_counter()
        image, gray = self._compute.prepare(frame.image)
        resized = time.perf_counter()
        if self._compute.motion and self._gray is not None:
            guess = self._field if self._flow_prior else None
            self._field = self._compute.flow(self._gray, gray, self._window.slot(), guess)
            self._window.push(self._field)
        seconds = {"resize": resized - start, "flow": time.perf_counter() - resized}
        self._last, self._gray = frame, gray
        self._waiting.append((frame, image, seconds))
        return [self._complete_oldest()] if self.waiting > self._lookahead else []

    def finish(self) -> list[TrackedFrame]:
        """
        End the stream; the next frame begins another one.

        :return: the frames that still waited, zero flow in place of their future.
        """
        complete = []
        with self._compute.scope():
            for _ in range(self._lookahead - self.waiting):  # a stream shorter than the lookahead
                self._window.pad()
            while self._waiting:
                self._window.pad()
                complete.append(self._complete_oldest())
        self.drop()
        return complete

    def drop(self) -> None:
        """End the stream without the frames that still wait."""
        self._waiting.clear()
        with self._compute.scope():
            self._window.reset()
        self._last = self._gray = self._field = None

    def _complete_oldest(self) -> TrackedFrame:
        frame, image, seconds = self._waiting.popleft()
        return TrackedFrame(frame, image, self._window.stack(), self._window.filled, seconds)
