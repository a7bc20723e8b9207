"""The offline journey in small: a rendered tagged drive, iconic images of its street and a configuration."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from random_weights import random_mobilenet

from wsvs_ros.drives.synthetic import SyntheticDrive, SyntheticFrame

SIZE = (160, 120)
CLASSES = ["sky", "building", "road", "sidewalk", "vegetation"]  # what a random trunk can tell by texture


def steps_of(checkpoint: Path) -> int:
    """How far a checkpoint's training was."""
    return int(torch.load(checkpoint, weights_only=True)["global_step"])


def take_caches(work: Path, other: Path) -> None:
    """Let another work directory have the caches of a first one."""
    for cache in ("drives", "iconic", "heatmaps", "masks"):
        shutil.copytree(work / cache, other / cache)


def take_data(root: Path, other: Path) -> Path:
    """A copy of the data, to change it; the configuration in it."""
    shutil.copytree(root, other)
    path = other / "small.yaml"
    content = yaml.safe_load(path.read_text())
    content["data"]["root"] = str(other)
    path.write_text(yaml.safe_dump(content))
    return path


def write_configuration(root: Path, drive: list[SyntheticFrame]) -> Path:
    """A tagged drive, iconic images of the same street, and random weights; no label is written anywhere."""
    (root / "street").mkdir()
    for item in drive:
        cv2.imwrite(str(root / "street" / f"{item.frame.name}.png"), item.frame.image)
    tags = {"street": [{"start": 0.0, "end": 6.0, "tags": [*CLASSES, "fence", "car", "pole", "sign", "pedestrian"]}]}
    (root / "tags.yaml").write_text(yaml.safe_dump(tags))
    make_iconic(root / "iconic")
    random_mobilenet(root / "weights.safetensors")
    content = {
        "name": "small",
        "working_size": list(SIZE),
        "window": {"length": 3, "lookahead": 0},
        "data": {
            "root": str(root),
            "weights": "weights.safetensors",
            "drives": [{"tags": "tags.yaml", "step": 2, "fps": 10}],
        },
        "heatmaps": {
            "foreground": {},
            "scales": [4.0],
            "clusters": 40,
            "iconic": {"folder": "iconic", "classes": {name: name for name in CLASSES}, "views": 1},
        },
        "optimiser": {"steps": 120, "batch_size": 4, "lr": 1e-3, "head_lr": 3e-3, "frozen_blocks": 2},
        "losses": {"tag": 0.1, "area_power": 1.0},
        "augmentation": {"crop": [128, 96], "scale": [0.8, 1.1], "jitter": 0.1},
    }
    path = root / "small.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def make_iconic(folder: Path) -> None:
    """Squares that show one class only, cut from another drive along the street."""
    labels_of = {"sky": 0, "building": 1, "road": 3, "sidewalk": 4, "vegetation": 5}
    for item in list(SyntheticDrive((640, 480), frames=16, seed=5, fps=2).truth())[::2]:
        for name, label in labels_of.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            inside = cv2.erode((item.labels == label).astype(np.uint8), np.ones((25, 25), np.uint8), borderValue=0)
            places = np.argwhere(inside)
            for number, (y, x) in enumerate(places[:: max(1, len(places) // 4)]):
                crop = item.frame.image[y - 12 : y + 12, x - 12 : x + 12]
                cv2.imwrite(str(folder / name / f"{item.frame.name}_{number}.png"), crop)
