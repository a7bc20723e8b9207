"""`wsvs compare`: two runs of the same drive, side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from wsvs_ros.cli import evaluate
from wsvs_ros.cli.arguments import add_json
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json

if TYPE_CHECKING:
    from wsvs_ros.evaluation.compare import Comparison


def add_parser(subparsers: Any) -> None:
    """Add `compare` to the command line."""
    parser = subparsers.add_parser(
        "compare",
        help="two runs of the same drive, side by side",
        description="Compare run B with run A: figures and their differences, the frames that differ most, and an "
        "interval for the difference of the mIoU (paired bootstrap over blocks of frames).",
    )
    parser.add_argument("first", type=Path, metavar="A", help="label PNGs, OUT of `wsvs segment`, or a bag with labels")
    parser.add_argument("second", type=Path, metavar="B", help="likewise, of the same drive")
    evaluate.add_source_options(parser)
    evaluate.add_options(parser)
    evaluate.add_excerpt(parser)
    parser.add_argument(
        "--fail-if-worse", action="store_true", help="end with status 1 if B's mIoU is worse beyond chance"
    )
    add_json(parser)
    parser.add_argument("--report", type=Path, metavar="DIR", help="write index.html and report.json into a new folder")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare and print a table; 1 if --fail-if-worse finds B worse."""
    from wsvs_ros.evaluation.compare import Comparison, read_pairs
    from wsvs_ros.evaluation.compare_report import write_comparison
    from wsvs_ros.evaluation.label_sets import check_same
    from wsvs_ros.evaluation.page import check_folder

    if args.report is not None:
        check_folder(args.report)
    first, label_set = evaluate.open_run(args, args.first)
    second, other = evaluate.open_run(args, args.second)
    check_same(args.first, label_set, args.second, other)
    comparison = Comparison(label_set)
    for pair in tqdm(read_pairs(first, second), total=first.frame_count, unit="frame", disable=args.quiet):
        comparison.update(*pair)
    result = comparison.to_dict()
    _print(result)
    if args.json is not None:
        write_json(args.json, result)
    if args.report is not None:
        print(f"report: {write_comparison(args.report, first, second, comparison)}")
    return _status(comparison) if args.fail_if_worse else 0


def _status(comparison: Comparison) -> int:
    """1 if the second run is worse; a gate that cannot fail is refused."""
    interval = comparison.interval()
    if interval is None:
        raise WsvsError("--fail-if-worse: needs a truth (--labels), by which the runs are measured")
    if interval.low is None and interval.difference < 0:
        raise WsvsError(f"--fail-if-worse: B's mIoU is lower, and whether by chance cannot be told: {interval.reason}")
    return 1 if interval.is_worse else 0


def _print(result: dict[str, Any]) -> None:
    """IoU by class and the means of both, with what B gains, in percent and points."""
    first, second, interval = result["first"], result["second"], result["miou_interval"]
    if interval is not None:
        rows = [(name, iou, second["per_class"][name]) for name, iou in first["per_class"].items()]
        rows += [(key, first[key], second[key]) for key in result["difference"]]
        width = max(len(name) for name, *_ in rows)
        print(f"{'':<{width}}      A      B   B - A")
        for name, a, b in rows:
            gain = "     -" if a is None or b is None else f"{100 * (b - a):+6.1f}"
            told = "".join("      -" if value is None else f"{100 * value:7.1f}" for value in (a, b))
            print(f"{name:<{width}}{told}  {gain}")
        told = f"no interval: {interval['reason']}"
        if interval["low"] is not None:
            bounds = f"{100 * interval['low']:+.2f} to {100 * interval['high']:+.2f}"
            told = f"95 % interval {bounds} (blocks of {interval['block_frames']} frames)"
        print(f"mIoU of B minus A: {100 * result['difference']['miou']:+.2f} points, {told}")
    print(f"{first['frames']} frames, {100 * (result['differing_pixels'] or 0):.1f} % of the pixels differ")
