"""
Export a checkpoint as a model bundle.

The network is written as ONNX in float32, float16 and int8 and as a torch.export program. Every file is run on real
frames of the training data (or of --frames) and compared with the PyTorch network; how well it agrees is written into
bundle.yaml, and nothing is written if a file is out of bounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.config import Config, load_config
from training.networks.module import WeaklySupervised, load_checkpoint
from training.running.bundle import export
from training.running.command_line import run_command
from training.running.stages import load_samples
from wsvs_ros.errors import WsvsError
from wsvs_ros.export import FrameStore, describe_files, frames_of_drive
from wsvs_ros.perception.engines.interface import PRECISIONS

_FRAMES = 48  # real frames to calibrate and to compare by


def _training_frames(config: Config, work: Path) -> FrameStore:
    """Frames of the training data with their flow, evenly spread, those with motion and those without alike."""
    samples = load_samples(config, work)
    moving = [sample for sample in samples if sample.load_flow is not None]
    still = [sample for sample in samples if sample.load_flow is None]
    width, height = config.working_size
    frames = FrameStore()
    for group in (moving, still):
        share = _FRAMES // 2 if moving and still else _FRAMES
        for index in np.linspace(0, len(group) - 1, min(share, len(group))).round().astype(int):
            load_flow = group[index].load_flow
            empty = np.zeros((2 * config.window.length, height, width), np.float32)
            image = np.ascontiguousarray(group[index].load_image().transpose(2, 0, 1))
            frames.add(image, empty if load_flow is None else load_flow())
    return frames


def _read_metrics(path: Path | None, measured_on: str) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        keep = ("miou", "class_accuracy", "global_accuracy", "per_class")
        return {"measured_on": measured_on, **{key: found[key] for key in keep}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WsvsError(f"{path}: not the JSON of `wsvs evaluate` ({error!r})") from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("work", type=Path, help="work directory of training.fit")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the bundle's directory")
    parser.add_argument("--checkpoint", type=Path, help="default: WORK/checkpoints/last.ckpt")
    parser.add_argument(
        "--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS, help="precisions to write (default: all)"
    )
    parser.add_argument(
        "--frames", metavar="DRIVE", help="drive to calibrate and to compare by (default: the training data)"
    )
    parser.add_argument(
        "--dynamic-batch", action="store_true", help="graphs of any number of frames, for batches of your own"
    )
    parser.add_argument("--metrics", type=Path, help="JSON of `wsvs evaluate` for the model card")
    parser.add_argument("--measured-on", default="", help="what the metrics were measured on, for the model card")
    args = parser.parse_args(argv)

    def job() -> str:
        config = load_config(args.work / "config.yaml")
        module = load_checkpoint(config, args.checkpoint or args.work / "checkpoints" / "last.ckpt")
        metrics = _read_metrics(args.metrics, args.measured_on)
        with _frames(args, config, module) as frames:
            bundle = export(
                module,
                args.output,
                trained_on=config.data.sources,
                metrics=metrics,
                precisions=args.precision,
                frames=frames,
                dynamic_batch=args.dynamic_batch,
            )
        return describe_files(bundle)

    return run_command(job)


def _frames(args: argparse.Namespace, config: Config, module: WeaklySupervised) -> FrameStore:
    if args.frames is None:
        return _training_frames(config, args.work)
    with tempfile.TemporaryDirectory() as folder:
        return frames_of_drive(export(module, Path(folder) / "bundle", trained_on=()), args.frames, _FRAMES)


if __name__ == "__main__":
    sys.exit(main())
