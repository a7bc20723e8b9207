"""One recorded drive through the segmenter into one folder."""

from __future__ import annotations

import argparse
import time
from array import array
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from wsvs_ros.drives.video_rate import video_rate
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json
from wsvs_ros.perception.painting import overlay
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.results import SUMMARY
from wsvs_ros.runs.resume import Earlier

_FALLBACK_FPS = 10.0  # of an overlay video whose drive does not tell


class SegmentJob:
    """
    Reads, segments and writes at the same time, each in its thread.

    :param args: the command line of `wsvs segment`.
    :param earlier: frames that an interrupted run did; they are written into video and bag, but not inferred.
    """

    def __init__(self, args: argparse.Namespace, drive: Any, segmenter: Any, earlier: Earlier) -> None:
        self._args, self._drive, self._segmenter, self._earlier = args, drive, segmenter, earlier
        self._latencies = array("d")
        self._stages: dict[str, array[float]] = {}
        self._written, self._seconds, self._complete = 0, 0.0, False
        self._bag: Any = None

    def run(self) -> bool:
        """Whether it was interrupted. The summary is written in any case."""
        self._write_summary()  # so that a run that is killed can be resumed
        start = time.perf_counter()
        with Interruption() as interruption:
            try:
                self._segment(interruption)
                self._complete = not interruption.wanted
            finally:
                self._seconds = time.perf_counter() - start
                self._write_summary()
        return interruption.wanted

    def _segment(self, interruption: Interruption) -> None:
        """Closing order matters: reading ends first, and the background empties its queue before files are closed."""
        from wsvs_ros.drives.frame_log import FrameLog
        from wsvs_ros.drives.read_ahead import ReadAhead
        from wsvs_ros.drives.writers import Background, LabelWriter, VideoWriter

        out, again = self._args.output, self._earlier.is_there
        with ExitStack() as stack:
            self._labels = LabelWriter(out / "labels", replace=again)
            self._confidence = LabelWriter(out / "confidence", replace=again) if self._args.confidence else None
            rate = video_rate(self._drive.fps or _FALLBACK_FPS)
            self._video = VideoWriter(out / "overlay.mp4", rate, replace=again)
            stack.callback(self._video.close)
            self._log = FrameLog(out, self._earlier.done.values())
            stack.callback(self._log.close)
            background = stack.enter_context(Background())
            self._bag = background.call(lambda: self._open_bag(out / "bag", background))
            if self._bag is not None:
                stack.callback(lambda: background.call(self._bag.close))
            frames = tqdm(
                stack.enter_context(ReadAhead(self._drive)),
                total=self._drive.frame_count,
                unit="frame",
                disable=self._args.quiet,
                smoothing=0.1,
            )
            for index, frame in enumerate(frames):
                if interruption.wanted:
                    return
                if frame.name in self._earlier.done:
                    background.submit(partial(self._write_again, frame))
                    if index >= self._earlier.begin:
                        self._segmenter.observe(frame)  # the flow window of the frames that follow
                    continue
                self._take(background, partial(self._segmenter.push, frame))
            self._take(background, self._segmenter.flush)
        if not self._written:
            why = self._refused[0] if self._refused else "it is empty"
            raise WsvsError(f"{self._args.input}: no frame is readable; {why}")

    def _take(self, background: Any, infer: Callable[[], Iterable[Any]]) -> None:
        start = time.perf_counter()
        for segmentation in infer():
            if segmentation.frame.name in self._earlier.done:
                continue  # observed, and with lookahead completed only now
            segmentation.labels  # noqa: B018 - made here, so that the latency is the whole of it
            latency = time.perf_counter() - start
            self._latencies.append(latency)
            for stage, seconds in segmentation.seconds.items():
                self._stages.setdefault(stage, array("d")).append(seconds)
            if self._args.confidence:
                segmentation.confidence  # noqa: B018 - made here, where the engine runs
            background.submit(partial(self._write, segmentation, latency))
            start = time.perf_counter()

    def _write(self, segmentation: Any, latency: float) -> None:
        """Everything of one frame. The log's line comes last: what it names is there."""
        from wsvs_ros.drives.frame_log import FrameRecord

        frame, labels = segmentation.frame, segmentation.labels
        if self._confidence is not None:
            confidence = np.rint(255 * np.clip(segmentation.confidence, 0, 1)).astype(np.uint8)
            self._confidence.write(frame.name, confidence)
        self._labels.write(frame.name, labels)
        self._log.write(FrameRecord(frame.name, frame.stamp_ns, frame.frame_id, 1e3 * latency))
        self._show(frame, labels, segmentation.label_set)

    def _write_again(self, frame: Any) -> None:
        """A frame that an earlier run did, into the new video and bag."""
        labels = self._earlier.labels(frame.name)
        self._show(frame, labels, self._segmenter.bundle.labels)

    def _show(self, frame: Any, labels: np.ndarray, label_set: Any) -> None:
        if self._bag is not None:
            self._bag.write(frame.source, labels)
        if not self._args.no_overlay:
            self._video.write(overlay(frame.image, labels, label_set))
        self._written += 1

    def _open_bag(self, path: Path, background: Any) -> Any:
        if self._drive.kind != "bag":
            return None
        from wsvs_ros.drives.bag_writer import LabelBagWriter

        replace = self._earlier.is_there
        writer = LabelBagWriter(path, self._drive, only_labels=self._args.only_labels, replace=replace)
        if self._drive.tap is not None:  # copied in the thread that writes the labels
            self._drive.tap = lambda *message: background.submit(partial(writer.copy, *message))
        return writer

    @property
    def _refused(self) -> list[str]:
        """Frames that the drive had to leave out, and why."""
        return list(getattr(self._drive, "refused", []))

    def _write_summary(self) -> None:
        write_json(self._args.output / SUMMARY, self.summary())

    def summary(self) -> dict[str, Any]:
        """What summary.json holds; times in milliseconds but for `seconds`."""
        frames, inferred = self._written, len(self._latencies)
        milliseconds = 1e3 * np.array(self._latencies or [0.0])
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
        bundle = self._segmenter.bundle
        return {
            "input": str(self._args.input),
            "complete": self._complete,
            "frames": frames,
            "resumed_from": len(self._earlier.done),
            "seconds": self._seconds,
            "fps": inferred / self._seconds if self._seconds else 0.0,
            "latency_ms": {"p50": float(p50), "p95": float(p95), "p99": float(p99)},
            "stages_ms": {name: 1e3 * float(np.median(times)) for name, times in self._stages.items()},
            "refused": self._refused,
            "model": {"name": bundle.name, "path": str(bundle.path), "sha256": bundle.sha256},
            "label_set": bundle.labels.name,
            "classes": bundle.labels.to_dict(),
            "engine": self._segmenter.engine_name,
            "settings": settings(self._args, self._drive, bundle),
        }

    def report(self) -> str:
        """What the terminal shows in the end."""
        summary = self.summary()
        state = "" if self._complete else " (incomplete)"
        if self._refused:
            more = f" and {len(self._refused) - 1} more" if len(self._refused) > 1 else ""
            state += f", without what cannot be read ({self._refused[0]}{more})"
        if self._earlier.done:
            state += f", {len(self._earlier.done)} of them by an earlier run"
        return (
            f"{summary['frames']} frames in {summary['seconds']:.1f} s, {summary['fps']:.1f} a second, latency "
            f"{summary['latency_ms']['p50']:.0f} ms (p95 {summary['latency_ms']['p95']:.0f}){state}: "
            f"{self._args.output}"
        )


def settings(args: argparse.Namespace, drive: Any, bundle: Any) -> dict[str, Any]:
    """What decides about the labels; a run is resumed only with the same."""
    return {
        "lookahead": bundle.lookahead if args.lookahead is None else args.lookahead,
        "motion": not args.no_motion,
        "crf": args.crf,
        "device": args.device,
        "flow_prior": args.flow_prior,
        "topic": getattr(drive, "topic", None),
        "fps": drive.fps,
    }
