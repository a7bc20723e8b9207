"""
What label prediction costs beside the training step that asks for it, and what it makes of bad motion segments.

    python -m benchmarks.label_prediction [--backbone vgg16] [--data DATA/labelled_video] [--steps 3]

The cost: a batch of ten 288x224 crops of one shot. The labels, with DATA: ten frames of each clip, whose true masks are
damaged as motion segmentation damages them; the network is the shipped one, which has seen neither clip.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.config import Config
from training.config.cues import EmAdapt, Motion
from training.cues.em_adapt.labels import em_adapt_labels
from training.cues.motion.label_prediction import predict_labels
from training.networks.marks import BACKGROUND, FOREGROUND
from training.networks.module import WeaklySupervised
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import ModelBundle, VideoSegmenter, default_bundle_path
from wsvs_ros.perception.frames import Frame

_ROAD, _SIGN, _CAR = 3, 6, 8  # camvid11
_FRAMES = 10
_GRID = (45, 60)


def costs(backbone: str, steps: int) -> None:
    """Print milliseconds a batch, and each as a share of the whole step without label prediction."""
    settings = {"name": "cost", "backbone": backbone, "streams": "appearance", "cue": "em_adapt", "foreground": ["car"]}
    optimiser = {"frozen_blocks": 0}
    config = Config.model_validate({**settings, "optimiser": optimiser, "data": {"weights": "none"}})
    frames = list(SyntheticDrive((288, 224), frames=33, seed=5, fps=10).truth())[-_FRAMES:]
    image = torch.from_numpy(np.stack([each.frame.image[..., ::-1] for each in frames]).copy()).permute(0, 3, 1, 2)
    cars = torch.from_numpy(np.stack([each.labels[4::8, 4::8] == _CAR for each in frames]))
    segments = torch.where(cars, FOREGROUND, BACKGROUND)
    module = WeaklySupervised(config, pretrained=False).train()
    flow = torch.zeros(_FRAMES, 2 * config.window.length, 224, 288)

    def step() -> None:
        log_probabilities = module.network(image.float(), flow).log_softmax(1)
        F.nll_loss(log_probabilities, torch.zeros(_FRAMES, 28, 36, dtype=torch.long)).backward()

    with torch.no_grad():
        answer = module.network(image.float(), flow).log_softmax(1)
    colours = F.interpolate(image.float(), size=(28, 36), mode="area")

    def tagged(*classes: int) -> Tensor:
        tags = torch.zeros(_FRAMES, 11, dtype=torch.bool)
        tags[:, list(classes)] = True
        return tags

    one, two = tagged(_ROAD, _CAR), tagged(_ROAD, _SIGN, _CAR)
    jobs: dict[str, Callable[[], object]] = {
        "forward and backward": step,
        "EM-Adapt": lambda: em_adapt_labels(answer, one, [_CAR], EmAdapt()),
        "label prediction, one object (min cuts)": lambda: _predict(answer, colours, segments, one, [_CAR]),
        "label prediction, two objects (alpha expansion)": lambda: _predict(
            answer, colours, segments, two, [_SIGN, _CAR]
        ),
    }
    print(f"| {backbone}, batch of {_FRAMES} crops of 288x224 | ms | share of the step, % |\n| --- | ---: | ---: |")
    whole = 0.0
    for name, job in jobs.items():
        job()
        took = min(_seconds(job) for _ in range(steps))
        whole = whole or took
        print(f"| {name} | {1000 * took:.0f} | {100 * took / whole:.1f} |")


def _seconds(job: Callable[[], object]) -> float:
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def _predict(answer: Tensor, colours: Tensor, segments: Tensor, tags: Tensor, foreground: list[int]) -> Tensor:
    return predict_labels(
        answer,
        colours,
        segments,
        tags,
        foreground=foreground,
        shots=torch.zeros(_FRAMES, dtype=torch.long),
        frames=torch.arange(_FRAMES),
        settings=Motion(),
        shares=EmAdapt(),
    ).labels


def labels(data: Path) -> None:
    """Print the IoU of segments, network and predicted labels with the true masks."""
    print("| IoU with the true masks, % | segments | network | predicted labels |\n| --- | ---: | ---: | ---: |")
    for clip in sorted(path for path in data.iterdir() if (path / "masks").is_dir()):
        colours, answer, masks = _clip(clip)
        truth = _on_grid(masks)
        for damage, damaged in _damages(masks).items():
            segments = _on_grid(damaged)
            marks = torch.where(segments, FOREGROUND, BACKGROUND)
            found = _predict(answer, colours, marks, torch.ones(_FRAMES, 2, dtype=torch.bool), [1]) == 1
            values = [_iou(each, truth) for each in (segments, answer.argmax(1) == 1, found)]
            print(f"| {clip.name}, {damage} | {' | '.join(f'{100 * value:.1f}' for value in values)} |")


def _damages(masks: np.ndarray) -> dict[str, np.ndarray]:
    missing = masks.copy()
    missing[::3] = 0
    return {
        "as they are": masks,
        "eroded by 8 pixels": np.stack([cv2.erode(mask, np.ones((17, 17), np.uint8)) for mask in masks]),
        "dilated by 16 pixels": np.stack([cv2.dilate(mask, np.ones((33, 33), np.uint8)) for mask in masks]),
        "shifted by 16 and 8 pixels": np.roll(masks, (8, 16), (1, 2)),
        "lost in every third frame": missing,
    }


def _clip(clip: Path) -> tuple[Tensor, Tensor, np.ndarray]:
    """Cells' colours, the shipped network's log probabilities of all else and of the car, and the masks."""
    files = sorted((clip / "images").iterdir())
    files = [files[index] for index in np.linspace(0, len(files) - 1, _FRAMES).astype(int)]
    images = [cv2.resize(cv2.imread(str(file)), (480, 360), interpolation=cv2.INTER_AREA) for file in files]
    masks = [cv2.imread(str(clip / "masks" / f"{file.stem}.png"), cv2.IMREAD_GRAYSCALE) for file in files]
    small = [cv2.resize((mask > 0).astype(np.uint8), (480, 360), interpolation=cv2.INTER_NEAREST) for mask in masks]
    with VideoSegmenter(ModelBundle.load(default_bundle_path()), motion=False) as segmenter:
        found = [
            one for number, image in enumerate(images) for one in segmenter.push(Frame(image, number, frame_id=""))
        ]
    car = torch.from_numpy(np.stack([one.scores[_CAR] for one in found])).clamp(1e-6, 1 - 1e-6)
    pixels = torch.from_numpy(np.stack(images)[..., ::-1].copy()).permute(0, 3, 1, 2).float()
    return F.interpolate(pixels, size=_GRID, mode="area"), torch.stack([1 - car, car], 1).log(), np.stack(small)


def _on_grid(masks: np.ndarray) -> Tensor:
    return F.interpolate(torch.from_numpy(masks)[:, None].float(), size=_GRID, mode="area")[:, 0] > 0.5


def _iou(found: Tensor, truth: Tensor) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=["mobilenet_v2", "vgg16"], default="vgg16")
    parser.add_argument("--data", type=Path, help="labelled clips: images/ and masks/ each")
    parser.add_argument("--steps", type=int, default=3)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(2)
    costs(args.backbone, args.steps)
    if args.data:
        print()
        labels(args.data)


if __name__ == "__main__":
    main()
