"""A rendered shot in which the camera turns and a car drives by: what moves by itself is known exactly."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from training.datasets.sample import Shot
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.drives.synthetic_scene import make_sprites
from wsvs_ros.perception.labels import LabelSet


def render_passing_car(
    size: tuple[int, int] = (320, 240), *, frames: int = 24, car: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """
    :param car: False leaves the street empty.
    :return: (T, H, W, 3) uint8 RGB frames, and (T, H, W) bool, the car.
    """
    width, height = size
    street = next(iter(SyntheticDrive((2 * width, height), frames=1, seed=5))).image
    label = LabelSet.load("camvid11").id_of("car")
    sprite = next(each for each in make_sprites(np.random.default_rng(1)) if each.label == label)
    images, masks = [], []
    for t in range(frames):
        left = width // 2 - 2 * t  # the camera turns by two pixels a frame
        image = street[:, left : left + width].copy()
        mask = np.zeros((height, width), bool)
        if car:
            x, y = 20 + 5 * t, height - 40 - sprite.mask.shape[0]
            here = (slice(y, y + sprite.mask.shape[0]), slice(x, x + sprite.mask.shape[1]))
            mask[here] = sprite.mask > 0
            image[mask] = sprite.picture[sprite.mask > 0]
        images.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        masks.append(mask)
    return np.stack(images), np.stack(masks)


def write_frames(folder: Path, frames: np.ndarray) -> None:
    """PNGs ``000000.png`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number:06d}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))


def shot_of(name: str, frames: np.ndarray) -> Shot:
    """A shot of frames in memory."""
    return Shot(name, name.rsplit("/", 1)[0], len(frames), lambda start, stop: frames[start:stop])


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Of two masks; the first may be coarser."""
    full = cv2.resize(one.astype(np.uint8), other.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    return float((full & other).sum() / (full | other).sum())
