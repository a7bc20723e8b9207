"""
Measure a trained network, on a labelled drive or on a public dataset:

    python -m training.evaluate WORK --drive DRIVE --labels DIR
    python -m training.evaluate WORK --dataset cityscapes ROOT --split val

The network is exported and runs in the very segmenter that runs in the car; a dataset's labelled frames each in the
video around them. Pixel labels are read here only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from training.datasets.dataset import Dataset
from training.datasets.registry import DATASETS, open_dataset
from training.running.command_line import run_command
from training.running.evaluation import bundle_of, evaluate_dataset, evaluate_drive
from wsvs_ros.cli.evaluate import print_figures
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception.crf import VIDEO_CRF


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path, help="work directory of training.fit")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--drive", type=Path, help="video, bag or folder of images")
    source.add_argument(
        "--dataset", nargs=2, metavar=("NAME", "ROOT"), help=f"a dataset ({', '.join(sorted(DATASETS))}) and its folder"
    )
    parser.add_argument("--labels", type=Path, help="the drive's label PNGs, named as its frames")
    parser.add_argument("--fps", type=float, help="frame rate of a drive that is a folder of images")
    parser.add_argument("--split", help="of the dataset (default: val)")
    parser.add_argument("--checkpoint", type=Path, help="default: WORK/checkpoints/last.ckpt")
    parser.add_argument("--crf", action="store_true", help="refine the scores by a fully-connected CRF")
    parser.add_argument("--no-motion", action="store_true", help="leave the flow at zero")
    parser.add_argument("--lookahead", type=int, help="frames of future (default: what the network was trained with)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args(argv)
    if args.drive is not None and (args.labels is None or args.split is not None):
        parser.error("--drive needs --labels, and has no --split")
    if args.dataset is not None and (args.labels is not None or args.fps is not None):
        parser.error("--dataset has labels and a frame rate of its own: leave --labels and --fps out")
    return args


def _categories(matrix: ConfusionMatrix, dataset: Dataset | None) -> ConfusionMatrix | None:
    """The counts by the dataset's categories (BF table 6); None without any, or where the model lacks a class."""
    if dataset is None or not dataset.categories:
        return None
    if not set().union(*dataset.categories.values()) <= set(matrix.label_set.names):
        return None
    return matrix.grouped(dataset.categories)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    args = _parse(argv)

    def job() -> str:
        settings = {"crf": VIDEO_CRF if args.crf else None, "motion": not args.no_motion, "lookahead": args.lookahead}
        dataset = open_dataset(args.dataset[0], Path(args.dataset[1]), args.split or "val") if args.dataset else None
        with bundle_of(args.work, args.checkpoint) as bundle:
            if dataset is not None:
                matrix = evaluate_dataset(bundle, dataset, **settings)
            else:
                matrix = evaluate_drive(bundle, args.drive, args.labels, fps=args.fps, **settings)
        figures, categories = matrix.to_dict(), _categories(matrix, dataset)
        if categories is not None:
            figures["categories"] = {"miou": categories.miou, "per_category": categories.per_class}
        if args.json:
            args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        print_figures(figures)
        text = f"measured on {f'{dataset.name} {dataset.split}' if dataset is not None else args.drive}"
        if categories is not None:
            each = ", ".join(f"{name} {100 * (iou or 0):.1f}" for name, iou in categories.per_class.items())
            text = f"mIoU of categories {100 * (categories.miou or 0):.1f} % ({each})\n{text}"
        return text

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
