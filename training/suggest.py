"""
What the heatmaps' classifiers see in a drive: suggestions for `wsvs tag --suggestions FILE`.

    python -m training.suggest CONFIG DRIVE [DRIVE ...] -o suggestions.json

The 1000-class classifier and the iconic classifiers of a configuration look at a frame every second or so. They
need no bundle, so they help with the very first drive that is tagged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from tqdm import tqdm

from training.config import load_config
from training.cues.heatmap.classifiers import build_heatmap_model
from training.cues.heatmap.heatmaps import HeatmapModel, compete
from training.running.command_line import run_command
from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError

_SHARE = 0.002  # of the cells at which a class is as likely there as not
_CERTAIN = 0.4  # evidence from which a cell counts for its class


@torch.no_grad()
def class_scores(model: HeatmapModel, image: np.ndarray) -> np.ndarray:
    """
    How likely each class is to be in a frame, by the share of the cells that it wins.

    :param image: (H, W, 3) uint8 RGB.
    :return: (N,) float64, 0 to 1.
    """
    heatmaps, _ = model(image)
    evidence, winner = compete(heatmaps, torch.ones(len(heatmaps), dtype=torch.bool)).max(0)
    won = torch.bincount(winner[evidence >= _CERTAIN].flatten(), minlength=len(heatmaps))
    share = won.numpy() / winner.numel()
    return share / (share + _SHARE)


def suggest(model: HeatmapModel, drive: Path, *, size: tuple[int, int], every: float) -> dict[str, Any]:
    """
    Look through a drive.

    :param size: width and height at which the classifiers see it.
    :param every: seconds between two frames that are looked at.
    :return: `times` in seconds from the drive's beginning and `scores` by class, as `wsvs tag` reads them.
    """
    times: list[float] = []
    rows: list[np.ndarray] = []
    with open_drive(drive) as frames:
        begin = None
        for frame in tqdm(frames, total=frames.frame_count, desc=drive.name, unit="frame"):
            begin = frame.stamp_ns if begin is None else begin
            time = (frame.stamp_ns - begin) * 1e-9
            if times and time < times[-1] + every:
                continue
            image = cv2.cvtColor(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
            times.append(round(time, 3))
            rows.append(class_scores(model, image))
    known = {*model.foreground, *(name for name in model.iconic_classes.values() if name is not None)}
    return {
        "times": times,
        "scores": {
            name: [round(float(row[index]), 3) for row in rows]
            for index, name in enumerate(model.label_set.names)
            if name in known
        },
    }


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.suggest", description=__doc__)
    parser.add_argument("config", type=Path, help="YAML configuration, for its heatmaps section")
    parser.add_argument("drives", nargs="+", type=Path, metavar="DRIVE", help="video, bag or folder of images")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override, e.g. data.root=DIR")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks (default: %(default)s)")
    args = parser.parse_args(argv)

    def job() -> str:
        if args.output.exists():
            raise WsvsError(f"{args.output}: exists and is not overwritten; give another --output or remove it")
        names = [drive.name for drive in args.drives]
        if len(set(names)) != len(names):
            raise WsvsError(f"two drives have the same name: {', '.join(names)}; `wsvs tag` could not tell them apart")
        config = load_config(args.config, args.set)
        model = build_heatmap_model(config)
        found = {drive.name: suggest(model, drive, size=config.working_size, every=args.every) for drive in args.drives}
        partial = args.output.with_name(f".{args.output.name}.{os.getpid()}")
        partial.write_text(json.dumps({"drives": found}) + "\n", encoding="utf-8")
        os.replace(partial, args.output)
        looks = ", ".join(f"{name} at {len(found[name]['times'])} moments" for name in names)
        return f"{args.output}: {looks}"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
