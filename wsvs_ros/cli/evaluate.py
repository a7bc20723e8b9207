"""`wsvs evaluate`: what a run saw, and how good it was."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from wsvs_ros.cli.arguments import count
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
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


def run(args: argparse.Namespace) -> int:
    """Evaluate and print a table."""
    from wsvs_ros.evaluation.archive import is_archive_output

    if is_archive_output(args.pred):
        from wsvs_ros.cli.evaluate_archive import evaluate_archive

        return evaluate_archive(args)
    if args.ray or args.jobs != 1:
        raise WsvsError(f"--jobs and --ray are for the results of several drives; {args.pred} has no manifest.json")
    if args.report is not None:
        from wsvs_ros.evaluation.report import check_folder

        check_folder(args.report)
    evaluate_run(args, args.pred)
    return 0


def evaluate_run(args: argparse.Namespace, pred: Path) -> None:
    """Measure a run, print its figures and write what was asked for."""
    from wsvs_ros.evaluation.evaluation import Evaluation

    one, label_set = open_run(args, pred)
    evaluation = Evaluation(label_set, one.summary.get("latency_ms"))
    for frame in tqdm(one.read(), unit="frame", disable=args.quiet):
        evaluation.update(frame)
    result = {**evaluation.to_dict(), "missing": one.missing}
    print_figures(result) if evaluation.truths else print_seen(result)
    print_more(result)
    if args.json is not None:
        write_json(args.json, result)
    if args.report is not None:
        from wsvs_ros.evaluation.report import write_report

        print(f"report: {write_report(args.report, one, evaluation)}")


def open_run(args: argparse.Namespace, pred: Path) -> tuple[Any, LabelSet]:
    """
    The run and the label set that it is measured in.

    :raises WsvsError: if anything that was named is missing, or does not fit together.
    """
    from wsvs_ros.evaluation.frames import Run, read_summary
    from wsvs_ros.evaluation.mapping import LabelMapping

    if args.map and args.truth_map:
        raise WsvsError("--map and --truth-map: only one of them, both sides cannot become the other")
    mapping = LabelMapping.load(args.map) if args.map else None
    truth_mapping = LabelMapping.load(args.truth_map) if args.truth_map else None
    chosen = mapping or truth_mapping
    if mapping is not None:
        _check_source(pred, read_summary(pred), mapping.source)
    if chosen is not None:
        label_set = chosen.target
    elif args.label_set:
        label_set = LabelSet.load(args.label_set)
    else:
        label_set = _label_set_of(read_summary(pred))
    run = Run(
        pred,
        args.labels,
        images=args.images,
        topic=args.pred_topic,
        labels_topic=args.labels_topic,
        mapping=mapping,
        truth_mapping=truth_mapping,
        allow_missing=args.allow_missing,
    )
    return run, label_set


def _check_source(pred: Path, summary: dict[str, Any], source: LabelSet) -> None:
    told = summary.get("label_set", source.name)
    if told != source.name:
        raise WsvsError(f"{pred}: its labels are of {told}, but --map begins with {source.name}")


def _label_set_of(summary: dict[str, Any]) -> LabelSet:
    if isinstance(summary.get("classes"), dict):
        return LabelSet.from_dict(summary["classes"], where="summary.json: classes")
    return LabelSet.load(str(summary.get("label_set", "camvid11")))


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
