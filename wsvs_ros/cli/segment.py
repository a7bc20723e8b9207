"""`wsvs segment`: a recorded drive in, label maps and an overlay video out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wsvs_ros.cli import engine_arguments
from wsvs_ros.cli.arguments import positive
from wsvs_ros.cli.results import make_folder


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
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for flow and CRF (default: %(default)s)")
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
    from wsvs_ros.cli.archive import is_archive, run_archive

    if len(args.input) > 1 or args.ray or is_archive(Path(args.input[0])):
        return run_archive(args)
    args.input = args.input[0]
    return segment_drive(args)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a number of drives, 1 or more, is needed")
    return int(text)


def segment_drive(args: argparse.Namespace) -> int:
    """Segment one drive."""
    from wsvs_ros.cli.resume import Earlier, find_earlier, is_complete
    from wsvs_ros.cli.segment_job import SegmentJob, settings
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
        earlier = Earlier()
        if args.resume:
            chosen = settings(args, drive, bundle)
            # a prior hands every flow on to the next; else only the window and the frames waited for count
            context = 10**9 if args.flow_prior else bundle.window_length + chosen["lookahead"] + 1
            expected = {"input": str(args.input), "model": bundle.sha256, "settings": chosen}
            earlier = find_earlier(args.output, expected, context=context)
            if is_complete(args.output):
                print(f"{args.output}: complete already")
                return 0
        if not (args.resume and args.output.is_dir() and any(args.output.iterdir())):
            make_folder(args.output, overwrite=args.overwrite, source=args.input)
        job = SegmentJob(args, drive, segmenter, earlier)
        interrupted = job.run()
    print(job.report())
    return 130 if interrupted else 0


def _max_gap(fps: float | None) -> float:
    """A slow drive's own period is no gap."""
    return max(0.5, 3 / fps) if fps else 0.5
