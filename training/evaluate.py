"""Measure a trained network on a labelled drive: ``python -m training.evaluate WORK --drive DRIVE --labels DIR``.

The network is exported and runs in the very segmenter that runs in the car. Pixel labels are read here only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from training.config import load_config
from training.export import export
from training.networks.module import WeaklySupervised, load_checkpoint
from training.running.command_line import run_command
from wsvs_ros.cli.evaluate import print_figures
from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.label_maps import read_label_map
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception import Segmentation, VideoSegmenter
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.crf import VIDEO_CRF, CrfSettings


def evaluate(
    bundle: ModelBundle,
    drive: Path,
    labels: Path,
    *,
    fps: float | None = None,
    crf: CrfSettings | None = None,
    motion: bool = True,
    lookahead: int | None = None,
) -> ConfusionMatrix:
    """
    Segment a drive and count its labelled frames.

    :param drive: video, bag or folder of images.
    :param labels: label PNGs, named as the drive names its frames.
    :param fps: frame rate of a folder of images.
    :param crf: refine the scores by this CRF.
    :param motion: False leaves the flow at zero.
    :param lookahead: frames of future; None for what the bundle says.
    :raises WsvsError: if drive or labels cannot be read, or no frame has a label.
    """
    matrix = ConfusionMatrix(bundle.labels)
    counted = 0

    def count(found: Segmentation) -> int:
        truth = labels / f"{found.frame.name}.png"
        if not truth.is_file():
            return 0
        matrix.update(found.labels, read_label_map(truth))
        return 1

    with (
        open_drive(drive, fps=fps) as frames,
        VideoSegmenter(bundle, crf=crf, motion=motion, lookahead=lookahead) as segmenter,
    ):
        for frame in tqdm(frames, total=frames.frame_count, desc=f"evaluating on {drive.name}", unit="frame"):
            counted += sum(map(count, segmenter.push(frame)))
        counted += sum(map(count, segmenter.flush()))
    if not counted:
        raise WsvsError(f"{labels}: no label PNG is named as a frame of {drive}, such as {frame.name}.png")
    return matrix


def evaluate_checkpoint(module: WeaklySupervised, drive: Path, labels: Path, **settings: object) -> ConfusionMatrix:
    """:func:`evaluate` a network by a bundle that is made for it and thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return evaluate(export(module, Path(folder) / "bundle", trained_on=()), drive, labels, **settings)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("work", type=Path, help="work directory of training.fit")
    parser.add_argument("--drive", type=Path, required=True, help="video, bag or folder of images")
    parser.add_argument("--labels", type=Path, required=True, help="label PNGs, named as the drive's frames")
    parser.add_argument("--fps", type=float, help="frame rate of a folder of images")
    parser.add_argument("--checkpoint", type=Path, help="default: WORK/checkpoints/last.ckpt")
    parser.add_argument("--crf", action="store_true", help="refine the scores by a fully-connected CRF")
    parser.add_argument("--no-motion", action="store_true", help="leave the flow at zero")
    parser.add_argument("--lookahead", type=int, help="frames of future (default: what the network was trained with)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args(argv)

    def job() -> str:
        config = load_config(args.work / "config.yaml")
        module = load_checkpoint(config, args.checkpoint or args.work / "checkpoints" / "last.ckpt")
        settings = {"fps": args.fps, "crf": VIDEO_CRF if args.crf else None, "motion": not args.no_motion}
        matrix = evaluate_checkpoint(module, args.drive, args.labels, lookahead=args.lookahead, **settings)
        if args.json:
            args.json.write_text(json.dumps(matrix.to_dict(), indent=2) + "\n", encoding="utf-8")
        print_figures(matrix.to_dict())
        return f"measured on {args.drive}"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
