"""`wsvs segment`: a recorded drive in, label maps and an overlay video out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wsvs_ros.cli import engine_arguments
from wsvs_ros.cli.arguments import positive


def add_parser(subparsers: Any) -> None:
    """Add `segment` to the command line."""
    parser = subparsers.add_parser(
        "segment",
        help="segment a video, image folder or bag",
        description="Segment a recorded drive. OUT gets labels/<frame>.png, overlay.mp4, frames.csv, summary.json "
        "and, for a bag, bag/ with the label topic added. An OUT that exists and is not empty is refused. Several "
        "inputs, or a folder of bags and videos at any depth, get a folder each in OUT, and OUT/manifest.json.",
    )
    parser.add_argument(
        "input",
        nargs="+",
        help="video file, folder of images, bag (rosbag2 folder, .mcap, .db3, .bag), or a folder of bags and videos",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="new folder for the results")
    add_options(parser)
    parser.add_argument("--resume", action="store_true", help="go on with an OUT that an interruption left incomplete")
    parser.add_argument("--jobs", type=_count, default=1, metavar="N", help="drives at a time (default: %(default)s)")
    parser.add_argument("--ray", metavar="ADDRESS", help="hand the drives to a Ray cluster; `local` begins one here")
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how one drive is segmented, and what is written of it."""
    parser.add_argument("--model", metavar="DIR", help="model bundle (default: the one of the package)")
    engine_arguments.add_options(parser)
    parser.add_argument("--lookahead", type=int, help="frames of future a frame waits for (default: the bundle's)")
    parser.add_argument("--no-motion", action="store_true", help="treat each frame alone")
    parser.add_argument("--crf", action="store_true", help="refine the labels along the image's edges (needs torch)")
    parser.add_argument(
        "--device", default="cpu", help="where the flow is: cpu, cuda, cuda:N, auto (default: %(default)s)"
    )
    parser.add_argument("--flow-prior", action="store_true", help="begin each flow with the last frame's")
    parser.add_argument("--topic", help="image topic of a bag with several")
    parser.add_argument("--fps", type=positive, help="frames per second (default: the drive's; 15 for folders)")
    parser.add_argument("--no-overlay", action="store_true", help="write no overlay.mp4")
    parser.add_argument("--only-labels", action="store_true", help="for bags: leave the input's messages out of bag/")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an OUT that holds results of an earlier run and nothing else"
    )
    parser.add_argument("--confidence", action="store_true", help="write confidence/<frame>.png, 255 for certain")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Segment the drive, or each of several; 130 if interrupted, with everything so far in place."""
    from wsvs_ros.runs.archive import is_archive, run_archive
    from wsvs_ros.runs.segment_drive import segment_drive

    if len(args.input) > 1 or args.ray or is_archive(Path(args.input[0])):
        return run_archive(args)
    args.input = args.input[0]
    return segment_drive(args)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a number of drives, 1 or more, is needed")
    return int(text)
