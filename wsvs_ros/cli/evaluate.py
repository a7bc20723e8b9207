"""`wsvs evaluate`: label maps against the truth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.label_maps import read_label_map
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception.labels import LabelSet


def add_parser(subparsers: Any) -> None:
    """Add `evaluate` to the command line."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure label maps against the truth",
        description="Compare label PNGs by file name. The JSON holds miou, class_accuracy, global_accuracy and "
        "per_class IoU, each in [0, 1]. Truth ids without a class are not counted.",
    )
    parser.add_argument("--pred", type=Path, required=True, help="predicted label PNGs, or OUT of `wsvs segment`")
    parser.add_argument("--labels", type=Path, required=True, help="true label PNGs")
    parser.add_argument("--label-set", default="camvid11", help="built-in name or YAML file (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print a table."""
    label_set = LabelSet.load(args.label_set)
    predictions = args.pred / "labels" if (args.pred / "labels").is_dir() else args.pred
    pairs = _pair(predictions, args.labels)
    matrix = ConfusionMatrix(label_set)
    for prediction, truth in tqdm(pairs, unit="frame", disable=args.quiet):
        found, true = read_label_map(prediction), read_label_map(truth)
        if found.shape != true.shape:
            raise WsvsError(
                f"{prediction}: {found.shape[1]}x{found.shape[0]} pixels, but the truth {truth} has "
                f"{true.shape[1]}x{true.shape[0]}; segment at the camera's own resolution"
            )
        matrix.update(found, true)
    result = {
        "frames": len(pairs),
        "label_set": label_set.name,
        **matrix.to_dict(),
    }
    print_figures(result)
    print(f"{len(pairs)} frames")
    if args.json is not None:
        try:
            args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise WsvsError(f"{args.json}: cannot be written: {error.strerror}") from error
    return 0


def _pair(predictions: Path, labels: Path) -> list[tuple[Path, Path]]:
    """Every true label map with its prediction; a missing prediction is an error, not a discount."""
    for folder in (predictions, labels):
        if not folder.is_dir():
            raise WsvsError(f"{folder}: no such folder")
    truths = sorted(labels.glob("*.png"))
    if not truths:
        raise WsvsError(f"{labels}: no label PNGs here")
    missing = [truth.name for truth in truths if not (predictions / truth.name).is_file()]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise WsvsError(f"{predictions}: no prediction for {', '.join(missing[:3])}{more}, which {labels} has")
    return [(predictions / truth.name, truth) for truth in truths]


def print_figures(result: dict[str, Any]) -> None:
    """IoU by class, and the means, in percent."""
    width = max(map(len, result["per_class"]))
    for name, iou in result["per_class"].items():
        print(f"{name:<{width}}  {'-' if iou is None else f'{100 * iou:5.1f}'}")
    figures = {key: result[key] for key in ("miou", "class_accuracy", "global_accuracy")}
    told = ", ".join(f"{key} {'-' if value is None else f'{100 * value:.1f}'}" for key, value in figures.items())
    print(f"{told} (%)")
