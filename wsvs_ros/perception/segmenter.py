"""VideoSegmenter: camera frames in, segmentations out. The heart of the product."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute import create_compute
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.engines import EngineOptions, describe
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.segmentation import Segmentation
from wsvs_ros.perception.tracker import FrameTracker, TrackedFrame

_PATIENCE = 2.0  # seconds to wait for the inference under way


class SegmenterError(WsvsError):
    """A segmenter was set up with a value out of range, or used after it was closed."""


@dataclass(frozen=True)
class SegmenterStats:
    """
    Frames counted since the segmenter was made or begun anew; `received - inferred - skipped` of them are on their way.

    :param received: frames observed or pushed.
    :param inferred: frames that went through the network.
    :param skipped: frames that never will: overtaken by a newer one, or left without a future by a reset.
    :param resets: how often the stream broke off and the window began anew.
    :param last_reset: in which way it last did, in words; empty if it never did.
    """

    received: int = 0
    inferred: int = 0
    skipped: int = 0
    resets: int = 0
    last_reset: str = field(default="", compare=False)


class VideoSegmenter:
    """
    Segments the frames of one camera, each with the motion around it (BF 3.2).

    Every frame enters the flow window, whatever becomes of it: flow between frames that lie further apart
    would lie about speed. The window begins anew when the stream breaks off: the stamp jumps back or by more
    than `max_gap`, or the image's size or frame_id changes.

    Live, one thread calls `observe` for every frame and another one `segment`, which takes the newest frame.
    Offline, `push` and at the end `flush` segment every frame.

    :param bundle: the model.
    :param engine: what runs the network.
    :param lookahead: frames of future that a frame waits for, 0 to L // 2; None for what the bundle says.
    :param motion: False leaves the flow at zero and treats each frame alone, without waiting.
    :param max_gap: longest time between two frames of one stream, seconds.
    :param crf: refine the scores along the image's edges by this fully-connected CRF, e.g. `VIDEO_CRF`.
    :param device: where flow and CRF are computed: `cpu` or `cuda`. On `cuda`, with an engine there, a frame is
        uploaded once, and what comes back is its label map.
    :param flow_prior: begin each flow with that of the frame before as a guess: finds large motions better, but
        is not how drives' flow is computed for training.
    :raises SegmenterError: if `lookahead` or `max_gap` is out of range.
    :raises EngineError: if the engine is not available here.
    :raises CrfError: if a CRF is wanted and not available here.
    :raises DeviceError: if there is no such device.
    :raises BundleError: if the network is not what the bundle says.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        *,
        engine: EngineOptions = EngineOptions(),
        lookahead: int | None = None,
        motion: bool = True,
        max_gap: float = 0.5,
        crf: CrfSettings | None = None,
        device: str = "cpu",
        flow_prior: bool = False,
    ) -> None:
        lookahead = _lookahead(bundle, lookahead)
        if not max_gap > 0:
            raise SegmenterError(f"max_gap: got {max_gap}, expected more than 0 seconds")
        self._bundle = bundle
        self._compute = create_compute(bundle, engine, motion=motion, crf=crf, device=device)
        self._inference = threading.Lock()  # guards the engine
        self._state = threading.Lock()  # guards the next four
        self._tracker = FrameTracker(bundle, self._compute, lookahead=lookahead, max_gap=max_gap, flow_prior=flow_prior)
        self._complete: deque[TrackedFrame] = deque()  # not yet inferred
        self._received = self._inferred = self._skipped = self._resets = 0
        self._last_reset = ""
        self._closed = False

    @property
    def bundle(self) -> ModelBundle:
        """The model."""
        return self._bundle

    @property
    def engine_name(self) -> str:
        """The engine that runs the network, in words."""
        return describe(self._compute.engine)

    @property
    def stats(self) -> SegmenterStats:
        """The counts up to now."""
        with self._state:
            return SegmenterStats(self._received, self._inferred, self._skipped, self._resets, self._last_reset)

    def begin_anew(self) -> None:
        """Forget the stream and the counts: no frame from before is inferred any more."""
        with self._state:
            self._check_open()
            self._tracker.drop()
            self._complete.clear()
            self._received = self._inferred = self._skipped = self._resets = 0
            self._last_reset = ""

    def check_lookahead(self, lookahead: int | None) -> None:
        """
        Say whether `set_lookahead` would take this.

        :raises SegmenterError: if it is out of range.
        """
        _lookahead(self._bundle, lookahead)

    def set_lookahead(self, lookahead: int | None) -> None:
        """
        Let frames wait for another number of frames of future, from the next one on; those that wait are skipped.

        :raises SegmenterError: if it is out of range.
        """
        lookahead = _lookahead(self._bundle, lookahead)
        with self._state:
            self._check_open()
            self._skipped += self._tracker.waiting
            self._tracker.wait_for(lookahead)

    def set_crf(self, crf: CrfSettings | None) -> None:
        """
        Refine the labels of the next frames by another CRF, or by none.

        :raises CrfError: if it is not available here; the old one stays.
        :raises SegmenterError: if the inference under way does not come to an end.
        """
        if not self._inference.acquire(timeout=_PATIENCE):
            raise SegmenterError(f"an inference has been under way for {_PATIENCE:g} s: its CRF cannot be changed")
        try:
            self._check_open()
            self._compute.set_crf(crf)
        finally:
            self._inference.release()

    def observe(self, frame: Frame) -> None:
        """
        Take a frame in, without inference.

        A complete frame not yet inferred is overtaken by the one that this completes; when the stream breaks off,
        frames from before are dropped, complete or waiting for a future that will not come.
        """
        with self._state:
            self._check_open()
            if reason := self._tracker.breaks_off(frame):
                self._skipped += self._tracker.waiting + len(self._complete)
                self._complete.clear()
                self._tracker.drop()
                self._note_reset(reason)
            self._add(frame)
            self._skip_all_but_newest()

    def segment(self) -> Segmentation | None:
        """Infer the newest complete frame; None if there is none that was not inferred before."""
        with self._state:
            self._check_open()
            self._skip_all_but_newest()
            newest = self._complete.pop() if self._complete else None
        return None if newest is None else self._infer(newest)

    def push(self, frame: Frame) -> list[Segmentation]:
        """
        Take a frame in and infer every frame that this completes; none is skipped.

        :return: the segmentation of the frame `lookahead` before this one, if there is one. Where the stream
            breaks off, those of the frames that still waited come first, zero flow in place of their future.
        """
        with self._state:
            self._check_open()
            if reason := self._tracker.breaks_off(frame):
                self._complete.extend(self._tracker.finish())
                self._note_reset(reason)
            self._add(frame)
        return self._infer_all()

    def flush(self) -> list[Segmentation]:
        """End the stream: infer the frames that still wait, zero flow in place of their future."""
        with self._state:
            self._check_open()
            self._complete.extend(self._tracker.finish())
        return self._infer_all()

    def close(self) -> None:
        """Free the engine, after an inference that is under way; frames still waiting are dropped."""
        with self._state:
            self._closed = True
            self._tracker.drop()
            self._complete.clear()
        with self._inference:
            self._compute.close()

    def __enter__(self) -> VideoSegmenter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise SegmenterError("the segmenter is closed")

    def _note_reset(self, reason: str) -> None:
        self._resets += 1
        self._last_reset = reason

    def _add(self, frame: Frame) -> None:
        self._complete.extend(self._tracker.add(frame))
        self._received += 1

    def _skip_all_but_newest(self) -> None:
        while len(self._complete) > 1:
            self._complete.popleft()
            self._skipped += 1

    def _infer_all(self) -> list[Segmentation]:
        with self._state:
            complete = list(self._complete)
            self._complete.clear()
        return [self._infer(tracked) for tracked in complete]

    def _infer(self, tracked: TrackedFrame) -> Segmentation:
        with self._inference:
            self._check_open()
            output, seconds = self._compute.infer(tracked)
        with self._state:
            self._inferred += 1
        return Segmentation(
            frame=tracked.frame,
            output=output,
            label_set=self._bundle.labels,
            window_filled=tracked.filled,
            window_length=self._bundle.window_length,
            seconds={
                "resize": tracked.seconds["resize"] + seconds.pop("resize"),
                "flow": tracked.seconds["flow"],
                **seconds,
            },
        )


def _lookahead(bundle: ModelBundle, lookahead: int | None) -> int:
    """The lookahead that is meant, in the model's range."""
    lookahead = bundle.lookahead if lookahead is None else lookahead
    limit = bundle.window_length // 2
    if not 0 <= lookahead <= limit:
        raise SegmenterError(f"lookahead: got {lookahead}, expected 0 to {limit} for model {bundle.name}")
    return lookahead
