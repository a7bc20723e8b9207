"""VideoSegmenter: camera frames in, segmentations out. The heart of the product."""

from __future__ import annotations

import threading
from collections.abc import Container

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute import create_compute
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.engines import EngineOptions, describe
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.pending import PendingFrames, SegmenterStats
from wsvs_ros.perception.segmentation import Segmentation, segmentation_of
from wsvs_ros.perception.segmenter_settings import SegmenterError, checked_lookahead, checked_max_gap
from wsvs_ros.perception.tracker import FrameTracker, TrackedFrame

_PATIENCE = 2.0  # seconds to wait for the inference under way


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
    :param device: where the flow is computed: `cpu`, `cuda`, `cuda:<number>`, or `auto` for the faster of both, which
        is measured; see `create_compute`.
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
        lookahead, max_gap = checked_lookahead(bundle, lookahead), checked_max_gap(max_gap)
        self.bundle = bundle
        self._compute = create_compute(bundle, engine, motion=motion, crf=crf, device=device)
        self._inference = threading.Lock()  # guards the engine
        self._tracking = threading.Lock()  # guards the tracker, for as long as a flow takes
        self._tracker = FrameTracker(bundle, self._compute, lookahead=lookahead, max_gap=max_gap, flow_prior=flow_prior)
        self._pending = PendingFrames()  # guards itself
        self._closed = False

    @property
    def engine_name(self) -> str:
        """The engine that runs the network, in words."""
        return describe(self._compute.engine)

    @property
    def stats(self) -> SegmenterStats:
        """The counts up to now."""
        return self._pending.stats

    def begin_anew(self) -> None:
        """Forget the stream and the counts: no frame from before is inferred any more."""
        with self._tracking:
            self._check_open()
            self._tracker.drop()
            self._pending.begin_anew()

    def check_lookahead(self, lookahead: int | None) -> None:
        """Raise the `SegmenterError` that `set_lookahead` would raise."""
        checked_lookahead(self.bundle, lookahead)

    def set_lookahead(self, lookahead: int | None) -> None:
        """
        Let frames wait for another number of frames of future, from the next one on; those that wait are skipped.

        :raises SegmenterError: if it is out of range.
        """
        lookahead = checked_lookahead(self.bundle, lookahead)
        with self._tracking:
            self._check_open()
            self._pending.count(skipped=self._tracker.waiting)
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
        with self._tracking:
            self._check_open()
            if reason := self._tracker.breaks_off(frame):
                self._pending.skip_all(besides=self._tracker.waiting)
                self._pending.note_reset(reason)
                self._tracker.drop()
            self._add(frame)
            self._pending.skip_overtaken()

    def segment(self) -> Segmentation | None:
        """Infer the newest complete frame; None if there is none that was not inferred before."""
        self._check_open()
        newest = self._pending.newest()
        return None if newest is None else self._infer(newest)

    def push(self, frame: Frame, *, wanted: Container[str] | None = None) -> list[Segmentation]:
        """
        Take a frame in and infer every frame that this completes.

        :param wanted: names of the frames to infer, where the others only tell the motion; by default all.
        :return: the segmentation of the frame `lookahead` before this one, if there is one. Where the stream
            breaks off, those of the frames that still waited come first, zero flow in place of their future.
        """
        with self._tracking:
            self._check_open()
            if reason := self._tracker.breaks_off(frame):
                self._pending.add(self._tracker.finish())
                self._pending.note_reset(reason)
            self._add(frame)
        return self._infer_all(wanted)

    def flush(self, *, wanted: Container[str] | None = None) -> list[Segmentation]:
        """
        End the stream: infer the frames that still wait, zero flow in place of their future.

        :param wanted: as for `push`.
        """
        with self._tracking:
            self._check_open()
            self._pending.add(self._tracker.finish())
        return self._infer_all(wanted)

    def close(self) -> None:
        """Free the engine, after an inference that is under way; frames still waiting are dropped."""
        self._closed = True
        with self._tracking:
            self._tracker.drop()
            self._pending.clear()
        with self._inference:
            self._compute.close()

    def __enter__(self) -> VideoSegmenter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise SegmenterError("the segmenter is closed")

    def _add(self, frame: Frame) -> None:
        self._pending.count(received=1)
        with self._pending.counting_failures():
            self._pending.add(self._tracker.add(frame))

    def _infer_all(self, wanted: Container[str] | None) -> list[Segmentation]:
        found = []
        while (tracked := self._pending.oldest()) is not None:
            if wanted is not None and tracked.frame.name not in wanted:
                self._pending.count(skipped=1)
                continue
            found.append(self._infer(tracked))
        return found

    def _infer(self, tracked: TrackedFrame) -> Segmentation:
        with self._inference:
            self._check_open()
            with self._pending.counting_failures():
                output, seconds = self._compute.infer(tracked)
        self._pending.count(inferred=1)
        return segmentation_of(tracked, output, seconds, self.bundle)
