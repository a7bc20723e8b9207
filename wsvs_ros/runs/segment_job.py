"""One recorded drive, or one camera of it, through the segmenter into one folder."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from wsvs_ros.drives import Drive
from wsvs_ros.drives.read_ahead import ReadAhead
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception import Segmentation, VideoSegmenter
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.run_folder import Earlier, RunFolder
from wsvs_ros.runs.run_writer import RunWriter
from wsvs_ros.runs.task import SegmentTask


@dataclass(frozen=True)
class Identity:
    """What a run is known by: `settings` as `SegmentOptions.identity` gives them, and the input's fingerprint."""

    fingerprint: str
    settings: dict[str, Any]


class SegmentJob:
    """
    Reads, segments and writes at the same time, each in its thread.

    :param folder: prepared; the job writes into it.
    :param earlier: frames that an interrupted run did; they are written into video and bag, but not inferred.
    :param labelled_bag: write a bag's copy with the labels.
    """

    def __init__(
        self,
        task: SegmentTask,
        folder: RunFolder,
        drive: Drive,
        segmenter: VideoSegmenter,
        identity: Identity,
        earlier: Earlier,
        *,
        labelled_bag: bool = True,
    ) -> None:
        self._task, self._folder, self._drive, self._segmenter = task, folder, drive, segmenter
        self._identity, self._earlier = identity, earlier
        self._latencies = array("d")
        self._stages: dict[str, array[float]] = {}
        self._seconds, self._complete = 0.0, False
        self._writer = RunWriter(
            folder, drive, segmenter.bundle.labels, task.options, earlier, labelled_bag=labelled_bag
        )

    def run(self, interruption: Interruption) -> None:
        """Until the drive ends or an interruption is wanted. The summary is written in any case."""
        self._folder.write_summary(self.summary())  # so that a run that is killed can be resumed
        start = time.perf_counter()
        try:
            self._segment(interruption)
            self._complete = not interruption.wanted
        finally:
            self._seconds = time.perf_counter() - start
            self._folder.write_summary(self.summary())

    def _segment(self, interruption: Interruption) -> None:
        """Reading ends first, then the writer."""
        options = self._task.options
        with self._writer, ReadAhead(self._drive) as frames:
            total, every = self._drive.frame_count, options.every
            bar = tqdm(frames, total=total, unit="frame", disable=self._task.quiet, smoothing=0.1)
            chosen = -1  # place among the frames that are labelled
            wanted: set[str] = set()
            for index, frame in enumerate(bar):
                if interruption.wanted:
                    return
                labelled = index % every == 0
                chosen += labelled
                if labelled and frame.name in self._earlier.done:
                    self._writer.add_again(frame)
                elif labelled:
                    wanted.add(frame.name)
                if not self._earlier.done or chosen >= self._earlier.begin:
                    self._take(lambda frame=frame: self._segmenter.push(frame, wanted=wanted), wanted)  # type: ignore[misc]
            self._take(lambda: self._segmenter.flush(wanted=wanted), wanted)
        if not self._writer.written:
            why = self._refused[0] if self._refused else "it is empty"
            raise WsvsError(f"{self._task.input}: no frame is readable; {why}")

    def _take(self, infer: Callable[[], Iterable[Segmentation]], wanted: set[str]) -> None:
        start = time.perf_counter()
        for found in infer():
            found.labels  # noqa: B018 - made here, so that the latency is the whole of it
            latency = time.perf_counter() - start
            self._latencies.append(latency)
            for stage, seconds in found.seconds.items():
                self._stages.setdefault(stage, array("d")).append(seconds)
            if self._task.options.confidence:
                found.confidence  # noqa: B018 - made here, where the engine runs
            self._writer.add(found, latency)
            wanted.discard(found.frame.name)
            start = time.perf_counter()

    @property
    def _refused(self) -> list[str]:
        """Frames that the drive had to leave out, and why."""
        return list(getattr(self._drive, "refused", []))

    def summary(self) -> dict[str, Any]:
        """What summary.json holds; times in milliseconds but for `seconds`."""
        inferred = len(self._latencies)
        p50, p95, p99 = np.percentile(1e3 * np.array(self._latencies or [0.0]), (50, 95, 99))
        bundle = self._segmenter.bundle
        return {
            "input": self._task.input,
            "fingerprint": self._identity.fingerprint,
            "complete": self._complete,
            "frames": self._writer.written,
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
            "settings": self._identity.settings,
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
        latency = summary["latency_ms"]
        return (
            f"{summary['frames']} frames in {summary['seconds']:.1f} s, {summary['fps']:.1f} a second, latency "
            f"{latency['p50']:.0f} ms (p95 {latency['p95']:.0f}){state}: {self._folder.path}"
        )


def needed_context(task: SegmentTask, segmenter: VideoSegmenter, lookahead: int) -> int:
    """
    Labelled frames before a frame that decide about its labels.

    A prior hands every flow on to the next; else only the window and the frames waited for count.
    """
    if task.options.flow_prior:
        return 10**9
    return segmenter.bundle.window_length + lookahead + 1
