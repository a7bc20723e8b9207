"""`wsvs evaluate`: what a run saw, and how good it was."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from wsvs_ros.cli.arguments import add_json, count, not_negative, positive
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json
from wsvs_ros.perception.labels import LabelSet

_MEANS = ("miou", "class_accuracy", "global_accuracy", "frequency_weighted_iou")


def add_parser(subparsers: Any) -> None:
    """Add `evaluate` to the command line."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure label maps against the truth",
        description="Measure a run: against the truth, where there is one, and by how steady its labels are along the "
        "optical flow and how fast they came. The JSON holds all figures, shares in [0, 1]. Truth ids without a class "
        "are counted as unlabelled and not measured.",
    )
    parser.add_argument(
        "--pred",
        type=Path,
        required=True,
        help="predicted label PNGs, OUT of `wsvs segment`, or a bag with labels; the OUT of an archive gives one page "
        "with a row a drive, and --labels then a folder with each drive's truth under its name",
    )
    add_source_options(parser)
    add_options(parser)
    add_excerpt(parser)
    parser.add_argument(
        "--fail-under",
        action="append",
        default=[],
        metavar="FIGURE=PERCENT",
        help="end with status 1 if a figure is less, e.g. miou=40, iou.car=60 or, without truth, steadiness=95",
    )
    add_json(parser)
    parser.add_argument("--report", type=Path, metavar="DIR", help="write index.html and report.json into a new folder")
    parser.add_argument("--jobs", type=count, default=1, metavar="N", help="of an archive: drives at a time")
    parser.add_argument("--ray", metavar="ADDRESS", help="of an archive: on a Ray cluster; `local` begins one here")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """The options that say where predictions and camera images are, where these are not known."""
    parser.add_argument("--pred-topic", help="label topic of a predictions' bag (default: /segmentation/label)")
    parser.add_argument("--images", help="the drive that was segmented (default: the run's own input, if still there)")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what runs are measured by."""
    parser.add_argument("--labels", type=Path, help="the truth: label PNGs, a bag with a label topic, or another OUT")
    parser.add_argument("--labels-topic", help="label topic of the truth's bag (default: /segmentation/label)")
    parser.add_argument(
        "--label-set", help="built-in name or YAML file, of both (default: the run's own, else camvid11)"
    )
    parser.add_argument(
        "--map", metavar="A:B", help="predictions are of label set A, the truth of B: measure in B; or a YAML file"
    )
    parser.add_argument(
        "--truth-map", metavar="B:A", help="the truth is of label set B, predictions of A: measure in A; or a YAML file"
    )
    parser.add_argument("--allow-missing", action="store_true", help="leave out a truth that has no prediction")


def add_excerpt(parser: argparse.ArgumentParser) -> None:
    """The options that say which frames are measured."""
    parser.add_argument(
        "--start", type=not_negative, default=0.0, metavar="S", help="begin so many seconds after the first frame"
    )
    parser.add_argument("--end", type=positive, metavar="S", help="end so many seconds after the first frame")
    parser.add_argument("--every", type=count, default=1, metavar="N", help="measure each Nth frame")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print a table; 1 if a bound of --fail-under is missed."""
    from wsvs_ros.evaluation.archive import is_archive_output
    from wsvs_ros.evaluation.gates import Gate

    if is_archive_output(args.pred):
        from wsvs_ros.cli.evaluate_archive import evaluate_archive

        if args.fail_under or (args.start, args.end, args.every) != (0.0, None, 1):
            raise WsvsError(f"--fail-under, --start, --end and --every belong to one drive; {args.pred} has several")
        return evaluate_archive(args)
    if args.ray or args.jobs != 1:
        raise WsvsError(f"--jobs and --ray are for the results of several drives; {args.pred} has no manifest.json")
    if args.report is not None:
        from wsvs_ros.evaluation.report import check_folder

        check_folder(args.report)
    gates = [Gate.parse(text) for text in args.fail_under]
    result = evaluate_run(args, args.pred)
    failures = [failure for gate in gates if (failure := gate.failure(result)) is not None]
    for failure in failures:
        print(f"below the bound: {failure}", file=sys.stderr)
    return 1 if failures else 0


def evaluate_run(args: argparse.Namespace, pred: Path) -> dict[str, Any]:
    """Measure a run, print its figures, write what was asked for; the figures as plain data."""
    from wsvs_ros.evaluation.evaluation import Evaluation

    one, label_set = open_run(args, pred)
    evaluation = Evaluation(label_set, one.summary.get("latency_ms"))
    for frame in tqdm(one.read(), total=one.frame_count, unit="frame", disable=args.quiet):
        evaluation.update(frame)
    result = {**evaluation.to_dict(), "missing": one.missing}
    print_figures(result) if evaluation.truths else print_seen(result)
    print_more(result)
    if args.json is not None:
        write_json(args.json, result)
    if args.report is not None:
        from wsvs_ros.evaluation.report import write_report

        print(f"report: {write_report(args.report, one, evaluation)}")
    return result


def open_run(args: argparse.Namespace, pred: Path) -> tuple[Any, LabelSet]:
    """
    The run and the label set that it is measured in.

    :raises WsvsError: if anything that was named is missing, or does not fit together.
    """
    from wsvs_ros.drives.excerpt import Excerpt
    from wsvs_ros.evaluation.frames import Run
    from wsvs_ros.evaluation.label_sets import common_label_set
    from wsvs_ros.evaluation.mapping import LabelMapping

    if args.map and args.truth_map:
        raise WsvsError("--map and --truth-map: only one of them, both sides cannot become the other")
    mapping = LabelMapping.load(args.map) if args.map else None
    truth_mapping = LabelMapping.load(args.truth_map) if args.truth_map else None
    label_set = common_label_set(pred, args.labels, chosen=args.label_set, mapping=mapping, truth_mapping=truth_mapping)
    run = Run(
        pred,
        args.labels,
        images=args.images,
        topic=args.pred_topic,
        labels_topic=args.labels_topic,
        mapping=mapping,
        truth_mapping=truth_mapping,
        allow_missing=args.allow_missing,
        excerpt=Excerpt(args.start, args.end),
        every=args.every,
    )
    return run, label_set


def print_figures(result: dict[str, Any]) -> None:
    """IoU by class, and the means, in percent."""
    width = max(map(len, result["per_class"]))
    for name, iou in result["per_class"].items():
        print(f"{name:<{width}}  {'-' if iou is None else f'{100 * iou:5.1f}'}")
    told = ", ".join(f"{key} {_percent(result[key])}" for key in _MEANS if key in result)
    print(f"{told} (%)")


def print_seen(result: dict[str, Any]) -> None:
    """Without truth: the classes' shares of what was predicted, in percent."""
    width = max(map(len, result["seen_per_class"]))
    for name, share in result["seen_per_class"].items():
        print(f"{name:<{width}}  {100 * share:5.1f}")
    print("shares of the predicted pixels (%); no truth was given")


def print_more(result: dict[str, Any]) -> None:
    """What else was measured, a line each."""
    temporal, latency, vehicles = result["temporal"], result["latency_ms"], result["vehicles"]
    if temporal["agreement"] is not None:
        truth = "" if temporal["truth"] is None else f"; the truth's own: {_percent(temporal['truth'])}"
        print(f"labels stay along the flow: {_percent(temporal['agreement'])} %{truth}")
    if vehicles is not None and vehicles["iou"] is not None:
        print(f"vehicles: IoU {_percent(vehicles['iou'])} %, CorLoc {_percent(vehicles['corloc'])} %")
    outlines = result["boundary_f1"]["mean"]
    if outlines is not None:
        told = f"precision {_percent(result['precision'])} %, F1 {_percent(result['f1'])} %"
        print(f"{told}, boundary F1 {_percent(outlines)} %")
    if result["calibration"]["ece"] is not None:
        print(f"expected calibration error: {_percent(result['calibration']['ece'])} %")
    if latency is not None:
        print("latency: " + ", ".join(f"{name} {value:.0f} ms" for name, value in latency.items()))
    pixels = result["pixels"]
    total = pixels["labelled"] + pixels["unlabelled"]
    told = f", {_percent(pixels['unlabelled'] / total)} % of the pixels unlabelled" if total else ""
    missing = f", {result['missing']} truths without prediction left out" if result["missing"] else ""
    print(f"{result['frames']} frames, {result['frames_with_truth']} with truth{told}{missing}")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
