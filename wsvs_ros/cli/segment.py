"""`wsvs segment`: a recorded drive in, label maps and an overlay video out."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from wsvs_ros.cli import engine_arguments
from wsvs_ros.cli.arguments import positive
from wsvs_ros.cli.interruption import Interruption
from wsvs_ros.cli.results import SUMMARY, make_folder
from wsvs_ros.cli.video_rate import video_rate
from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.render import overlay

_FALLBACK_FPS = 10.0  # of an overlay video whose drive does not tell


def add_parser(subparsers: Any) -> None:
    """Add `segment` to the command line."""
    parser = subparsers.add_parser(
        "segment",
        help="segment a video, image folder or bag",
        description="Segment a recorded drive. OUT gets labels/<frame>.png, overlay.mp4, summary.json and, for a "
        "bag, bag/ with the label topic added. An OUT that exists and is not empty is refused.",
    )
    parser.add_argument("input", help="video file, folder of images, or bag (rosbag2 folder, .mcap, .db3)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="new folder for the results")
    parser.add_argument("--model", metavar="DIR", help="model bundle (default: the one of the package)")
    engine_arguments.add_options(parser)
    parser.add_argument("--lookahead", type=int, help="frames of future a frame waits for (default: the bundle's)")
    parser.add_argument("--no-motion", action="store_true", help="treat each frame alone")
    parser.add_argument("--crf", action="store_true", help="refine the labels along the image's edges (needs torch)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for flow and CRF (default: %(default)s)")
    parser.add_argument("--flow-prior", action="store_true", help="begin each flow with the last frame's")
    parser.add_argument("--topic", help="image topic of a bag with several")
    parser.add_argument("--fps", type=positive, help="frames per second (default: the drive's; 15 for folders)")
    parser.add_argument("--no-overlay", action="store_true", help="write no overlay.mp4")
    parser.add_argument("--only-labels", action="store_true", help="for bags: leave the input's messages out of bag/")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an OUT that holds results of an earlier run and nothing else"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Segment the drive; 130 if interrupted, with everything so far in place."""
    from wsvs_ros.drives import open_drive
    from wsvs_ros.perception import VIDEO_CRF, ModelBundle, VideoSegmenter, default_bundle_path

    bundle = ModelBundle.load(args.model or default_bundle_path())
    with (
        open_drive(args.input, topic=args.topic, fps=args.fps) as drive,
        VideoSegmenter(
            bundle,
            engine=engine_arguments.options(args),
            lookahead=args.lookahead,
            motion=not args.no_motion,
            max_gap=_max_gap(drive.fps),
            crf=VIDEO_CRF if args.crf else None,
            device=args.device,
            flow_prior=args.flow_prior,
        ) as segmenter,
    ):
        make_folder(args.output, overwrite=args.overwrite, source=args.input)
        job = _Job(args, drive, segmenter)
        interrupted = job.run()
    print(job.report())
    return 130 if interrupted else 0


class _Job:
    """One drive through the segmenter into one folder."""

    def __init__(self, args: argparse.Namespace, drive: Any, segmenter: Any) -> None:
        self._args, self._drive, self._segmenter = args, drive, segmenter
        self._latencies: list[float] = []
        self._stages: dict[str, list[float]] = {}
        self._written, self._seconds, self._complete = 0, 0.0, False

    def run(self) -> bool:
        """Whether it was interrupted. The summary is written in any case."""
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
        """Closing order matters: the background empties its queue before the files are finished."""
        from wsvs_ros.drives.writers import Background, LabelWriter, VideoWriter

        out = self._args.output
        with ExitStack() as stack:
            self._labels = LabelWriter(out / "labels")
            self._video = VideoWriter(out / "overlay.mp4", video_rate(self._drive.fps or _FALLBACK_FPS))
            stack.callback(self._video.close)
            self._bag = self._open_bag(out / "bag")
            if self._bag is not None:
                stack.callback(self._bag.close)
            background = stack.enter_context(Background())
            frames = tqdm(
                self._drive, total=self._drive.frame_count, unit="frame", disable=self._args.quiet, smoothing=0.1
            )
            for frame in frames:
                if interruption.wanted:
                    return
                self._take(background, lambda frame=frame: self._segmenter.push(frame))
            self._take(background, self._segmenter.flush)
        if not self._latencies:
            why = self._refused[0] if self._refused else "it is empty"
            raise WsvsError(f"{self._args.input}: no frame is readable; {why}")

    def _take(self, background: Any, infer: Any) -> None:
        start = time.perf_counter()
        segmentations: Iterable[Any] = infer()
        for segmentation in segmentations:
            segmentation.labels  # noqa: B018 - made here, so that the latency is the whole of it
            self._latencies.append(time.perf_counter() - start)
            for stage, seconds in segmentation.seconds.items():
                self._stages.setdefault(stage, []).append(seconds)
            if self._bag is not None:  # in this thread, where the drive copies its messages into the same bag
                self._bag.write(segmentation.frame.source, segmentation.labels)
            background.submit(lambda done=segmentation: self._write(done))
            start = time.perf_counter()

    def _write(self, segmentation: Any) -> None:
        frame, labels = segmentation.frame, segmentation.labels
        self._labels.write(frame.name, labels)
        if not self._args.no_overlay:
            self._video.write(overlay(frame.image, labels, segmentation.label_set))
        self._written += 1

    def _open_bag(self, path: Path) -> Any:
        if self._drive.kind != "bag":
            return None
        from wsvs_ros.drives.bag_writer import LabelBagWriter

        return LabelBagWriter(path, self._drive, only_labels=self._args.only_labels)

    @property
    def _refused(self) -> list[str]:
        """Frames that the drive had to leave out, and why."""
        return list(getattr(self._drive, "refused", []))

    def _write_summary(self) -> None:
        path = self._args.output / SUMMARY
        partial = path.with_suffix(".partial")
        try:
            partial.write_text(json.dumps(self.summary(), indent=2) + "\n", encoding="utf-8")
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise WsvsError(f"{path}: cannot be written: {error.strerror}") from error

    def summary(self) -> dict[str, Any]:
        """What summary.json holds; times in milliseconds but for `seconds`."""
        frames = self._written
        milliseconds = 1e3 * np.array(self._latencies or [0.0])
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
        bundle = self._segmenter.bundle
        return {
            "input": str(self._args.input),
            "complete": self._complete,
            "frames": frames,
            "seconds": self._seconds,
            "fps": frames / self._seconds if self._seconds else 0.0,
            "latency_ms": {"p50": float(p50), "p95": float(p95), "p99": float(p99)},
            "stages_ms": {name: 1e3 * float(np.median(times)) for name, times in self._stages.items()},
            "refused": self._refused,
            "model": {"name": bundle.name, "path": str(bundle.path), "sha256": bundle.sha256},
            "label_set": bundle.labels.name,
            "engine": self._segmenter.engine_name,
            "settings": {
                "lookahead": bundle.lookahead if self._args.lookahead is None else self._args.lookahead,
                "motion": not self._args.no_motion,
                "crf": self._args.crf,
                "device": self._args.device,
                "flow_prior": self._args.flow_prior,
                "topic": getattr(self._drive, "topic", None),
                "fps": self._drive.fps,
            },
        }

    def report(self) -> str:
        """What the terminal shows in the end."""
        summary = self.summary()
        state = "" if self._complete else " (incomplete)"
        if self._refused:
            more = f" and {len(self._refused) - 1} more" if len(self._refused) > 1 else ""
            state += f", without what cannot be read ({self._refused[0]}{more})"
        return (
            f"{summary['frames']} frames in {summary['seconds']:.1f} s, {summary['fps']:.1f} a second, latency "
            f"{summary['latency_ms']['p50']:.0f} ms (p95 {summary['latency_ms']['p95']:.0f}){state}: "
            f"{self._args.output}"
        )


def _max_gap(fps: float | None) -> float:
    """A slow drive's own period is no gap."""
    return max(0.5, 3 / fps) if fps else 0.5
