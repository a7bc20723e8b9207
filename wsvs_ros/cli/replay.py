"""`wsvs replay`: a recorded drive through the model, and the report of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from wsvs_ros.cli import evaluate, segment
from wsvs_ros.errors import WsvsError


def add_parser(subparsers: Any) -> None:
    """Add `replay` to the command line."""
    parser = subparsers.add_parser(
        "replay",
        help="a recorded drive through the model, and the report of it",
        description="Segment a recorded drive and measure the result: OUT gets what `wsvs segment` writes, and "
        "report/index.html. With --realtime the drive is played as a camera at its own rate and the node runs in a "
        "process of its own, as on the car: frames that come too fast are skipped, and latency is end to end.",
    )
    parser.add_argument("input", help="bag, video file or folder of images; `synthetic` for the rendered drive")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="new folder for the results")
    parser.add_argument("--realtime", action="store_true", help="through node and middleware, at the drive's own rate")
    parser.add_argument("--domain", type=int, help="ROS domain of --realtime (default: one that nobody uses here)")
    segment.add_options(parser)
    evaluate.add_options(parser.add_argument_group("evaluation"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Segment, evaluate, report; 130 if interrupted, with everything so far in place and no report."""
    _check_truth(args)
    task = segment.task_of(args, args.input)
    if len(task.options.topics) > 1 or "all" in task.options.topics:
        raise WsvsError("--topic: one topic is replayed; `wsvs segment` takes several, `wsvs evaluate` each of them")
    if args.realtime:
        from wsvs_ros.runs.live_replay import replay_live

        replay_live(task, domain=args.domain)
        args.allow_missing = True  # what the node skipped
    else:
        from wsvs_ros.runs.segment_drive import segment_drive

        status = segment_drive(task)
        if status:
            return status
    if (args.start, args.end, args.every) != (0.0, None, 1):  # what was left out has no labels, and needs none
        args.start, args.end, args.every, args.allow_missing = 0.0, None, 1, True
    args.images = args.pred_topic = args.json = None
    args.report = args.output / "report"
    evaluate.evaluate_run(args, args.output)
    return 0


def _check_truth(args: argparse.Namespace) -> None:
    """What is wrong with the truth is said before the work."""
    from wsvs_ros.evaluation.mapping import LabelMapping
    from wsvs_ros.evaluation.sources import open_labels

    if args.labels is not None:
        open_labels(args.labels, args.labels_topic)
    elif args.labels_topic:
        raise WsvsError(f"--labels-topic {args.labels_topic}: name its bag with --labels")
    for mapping in (args.map, args.truth_map):
        if mapping:
            LabelMapping.load(mapping)
