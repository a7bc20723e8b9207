"""`wsvs segment`: a recorded drive in, label maps and an overlay video out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsvs_ros.cli import engine_arguments
from wsvs_ros.cli.arguments import add_device, add_fps, count, not_negative, positive

if TYPE_CHECKING:
    from wsvs_ros.runs.task import SegmentTask


def add_parser(subparsers: Any) -> None:
    """Add `segment` to the command line."""
    parser = subparsers.add_parser(
        "segment",
        help="segment a video, image folder or bag",
        description="Segment a recorded drive. OUT gets labels/<frame>.png, overlay.mp4, frames.csv, summary.json "
        "and, for a bag, bag/ with labels, their meaning and an overlay added as topics. An OUT that exists and is not "
        "empty is refused. Several inputs, or a folder of bags and videos at any depth, get a folder each in OUT, and "
        "OUT/manifest.json; several topics of one bag get a folder each, and one bag/.",
    )
    parser.add_argument(
        "input",
        nargs="+",
        help="video file, folder of images, bag (rosbag2 folder, .mcap, .db3, .bag), or a folder of bags and videos",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="new folder for the results")
    add_options(parser)
    parser.add_argument("--resume", action="store_true", help="go on with an OUT that an interruption left incomplete")
    parser.add_argument("--jobs", type=count, default=1, metavar="N", help="drives at a time (default: %(default)s)")
    parser.add_argument("--ray", metavar="ADDRESS", help="hand the drives to a Ray cluster; `local` begins one here")
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how one drive is segmented, and what is written of it."""
    parser.add_argument("--model", metavar="DIR", help="model bundle (default: the one of the package)")
    engine_arguments.add_options(parser)
    parser.add_argument("--lookahead", type=int, help="frames of future a frame waits for (default: the bundle's)")
    parser.add_argument("--no-motion", action="store_true", help="treat each frame alone")
    parser.add_argument("--crf", action="store_true", help="refine the labels along the image's edges (needs torch)")
    add_device(parser)
    parser.add_argument("--flow-prior", action="store_true", help="begin each flow with the last frame's")
    parser.add_argument(
        "--topic", action="append", default=[], help="image topic of a bag with several; more than once, or `all`"
    )
    add_fps(parser)
    parser.add_argument(
        "--start", type=not_negative, default=0.0, metavar="S", help="begin so many seconds after the first frame"
    )
    parser.add_argument("--end", type=positive, metavar="S", help="end so many seconds after the first frame")
    parser.add_argument(
        "--every", type=count, default=1, metavar="N", help="label each Nth frame; the others still tell the motion"
    )
    parser.add_argument("--no-overlay", action="store_true", help="write no overlay.mp4 and no overlay topic")
    parser.add_argument("--only-labels", action="store_true", help="for bags: leave the input's messages out of bag/")
    parser.add_argument("--palette", action="store_true", help="label PNGs show the classes' colours; the ids stay")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an OUT that holds results of an earlier run and nothing else"
    )
    parser.add_argument("--confidence", action="store_true", help="write confidence/<frame>.png, 255 for certain")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Segment the drive, or each of several; 130 if interrupted, with everything so far in place."""
    from wsvs_ros.runs.archive import segment_archive
    from wsvs_ros.runs.find_drives import is_archive
    from wsvs_ros.runs.segment_drive import segment_drive

    task = task_of(args, args.input[0], resume=args.resume)
    if len(args.input) > 1 or args.ray or is_archive(Path(args.input[0])):
        return segment_archive(args.input, task, jobs=args.jobs, ray=args.ray)
    return segment_drive(task)


def task_of(args: argparse.Namespace, drive: str, *, resume: bool = False) -> SegmentTask:
    """What the command line asks for."""
    from wsvs_ros.perception.engines import parse_providers
    from wsvs_ros.runs.options import SegmentOptions
    from wsvs_ros.runs.task import SegmentTask

    options = SegmentOptions(
        model=args.model,
        engine=args.engine,
        precision=args.precision,
        providers=parse_providers(args.providers),
        threads=args.threads,
        workspace_mb=args.workspace_mb,
        compile=args.compile,
        lookahead=args.lookahead,
        motion=not args.no_motion,
        crf=args.crf,
        device=args.device,
        flow_prior=args.flow_prior,
        topics=tuple(args.topic),
        fps=args.fps,
        start=args.start,
        end=args.end,
        every=args.every,
        confidence=args.confidence,
        overlay=not args.no_overlay,
        palette=args.palette,
        only_labels=args.only_labels,
    )
    return SegmentTask(drive, args.output, options, overwrite=args.overwrite, resume=resume, quiet=args.quiet)
