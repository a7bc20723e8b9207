"""`wsvs compare`: two runs of the same drive, side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from wsvs_ros.cli import evaluate
from wsvs_ros.files import write_json


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write index.html and report.json into a new folder")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare and print a table."""
    from wsvs_ros.evaluation.compare import Comparison, read_pairs
    from wsvs_ros.evaluation.compare_report import write_comparison
    from wsvs_ros.evaluation.page import check_folder

    if args.report is not None:
        check_folder(args.report)
    first, label_set = evaluate.open_run(args, args.first)
    second, _ = evaluate.open_run(args, args.second)
    comparison = Comparison(label_set)
    for pair in tqdm(read_pairs(first, second), unit="frame", disable=args.quiet):
        comparison.update(*pair)
    result = comparison.to_dict()
    _print(result)
    if args.json is not None:
        write_json(args.json, result)
    if args.report is not None:
        print(f"report: {write_comparison(args.report, first, second, comparison)}")
    return 0


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
        print(
            f"mIoU of B minus A: {100 * result['difference']['miou']:+.2f} points, 95 % interval "
            f"{100 * interval['low']:+.2f} to {100 * interval['high']:+.2f} "
            f"(blocks of {interval['block_frames']} frames)"
        )
    print(f"{first['frames']} frames, {100 * (result['differing_pixels'] or 0):.1f} % of the pixels differ")
