"""What stands in the rendered street: textures of its planes, and upright cut-outs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from wsvs_ros.perception.labels import LabelSet

FAR = 60.0  # metres; what is farther is sky
NEAR = 2.5  # metres; where a cut-out is passed and begins anew in the distance
PERIOD = 48.0  # metres after which the street repeats
DENSITY = 24  # texture pixels per metre
_CLASS = {name: index for index, name in enumerate(LabelSet.load("camvid11").names)}
NOTHING = 255


@dataclass(frozen=True)
class Texture:
    """
    A plane's texture, periodic along the street.

    :param picture: (A, B, 3) uint8 BGR; rows across the plane from `first` metres on, columns along the street.
    :param labels: (A, B) uint8 camvid11 ids, 255 where the plane has a hole.
    """

    picture: np.ndarray
    labels: np.ndarray
    first: float


@dataclass(frozen=True)
class Sprite:
    """
    An upright cut-out that faces the camera.

    :param picture: (h, w, 3) uint8 BGR.
    :param mask: (h, w) uint8, 255 where it is solid.
    :param label: camvid11 id.
    :param across: metres to the right of the camera's path.
    :param start: metres ahead in the first frame.
    :param speed: its own, metres per second along the street.
    """

    picture: np.ndarray
    mask: np.ndarray
    label: int
    across: float
    start: float
    speed: float
    metres_per_pixel: float

    def depth(self, driven: float, seconds: float) -> float:
        """Metres ahead of the camera; what was passed, or has gone, comes back at the other end."""
        span = FAR - NEAR
        return NEAR + (self.start - driven + self.speed * seconds - NEAR) % span


def make_sky(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A bright sky with soft clouds, (H, W, 3) uint8 BGR; infinitely far, so it stands still."""
    height = size[1]
    clouds = cv2.resize(rng.normal(0, 1, (6, 8)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    shade = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    blue = np.stack([235 + 10 * shade, 205 + 35 * shade, 170 + 65 * shade], 2) + 0 * clouds[..., None]
    return np.clip(blue + 8 * clouds[..., None], 0, 255).astype(np.uint8)


def ground_texture(rng: np.random.Generator) -> Texture:
    """Asphalt with markings between -4 and 4 m, paved sidewalks to 10 m on both sides."""
    half = 10.0
    rows, columns = int(2 * half * DENSITY), int(PERIOD * DENSITY)
    across = (np.arange(rows) / DENSITY - half)[:, None] + np.zeros(columns)
    along = np.arange(columns) / DENSITY + np.zeros((rows, 1))
    picture = _noise(rng, rows, columns, (92, 90, 88), 14)
    walk = np.abs(across) > 4.0
    paving = _noise(rng, rows, columns, (140, 150, 158), 12)
    joints = (np.mod(across, 0.8) < 0.08) | (np.mod(along, 0.8) < 0.08)
    paving[joints] = paving[joints] * 0.7
    picture[walk] = paving[walk]
    dashes = (np.abs(across) < 0.08) & (np.mod(along, 6.0) < 3.0)
    edges = np.abs(np.abs(across) - 3.7) < 0.06
    picture[dashes | edges] = (225, 228, 230)
    kerb = np.abs(np.abs(across) - 4.05) < 0.08
    picture[kerb] = (175, 178, 180)
    labels = np.where(walk, _CLASS["sidewalk"], _CLASS["road"]).astype(np.uint8)
    return Texture(picture, labels, -half)


def wall_texture(rng: np.random.Generator) -> Texture:
    """A row of houses, trees and fences; above them there is nothing."""
    tall = 14.0
    rows, columns = int(tall * DENSITY), int(PERIOD * DENSITY)
    picture = np.zeros((rows, columns, 3), np.uint8)
    labels = np.full((rows, columns), NOTHING, np.uint8)
    up = (np.arange(rows) / DENSITY)[:, None] + np.zeros(columns)
    along = np.arange(columns) / DENSITY + np.zeros((rows, 1))
    edges = np.arange(0, PERIOD, 8.0)
    kinds = rng.permutation(["building"] * 3 + ["vegetation"] * 2 + ["fence"])
    for start, kind in zip(edges, kinds, strict=True):
        here = (along >= start) & (along < start + 8.0)
        if kind == "building":
            top = rng.uniform(7, 13)
            facade = _noise(rng, rows, columns, rng.integers(70, 170, 3), 10)
            windows = (
                (np.mod(up, 3.0) > 1.2)
                & (np.mod(up, 3.0) < 2.5)
                & (np.mod(along, 2.0) > 0.6)
                & (np.mod(along, 2.0) < 1.6)
            )
            facade[windows] = rng.integers(30, 70, 3)
        elif kind == "vegetation":
            waves = cv2.resize(
                rng.uniform(-1, 1, (1, 40)).astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC
            )
            top = rng.uniform(5, 9) + 1.5 * waves
            facade = _noise(rng, rows, columns, (45, 95, 60), 34, grain=3)
        else:
            top = 1.6
            facade = _noise(rng, rows, columns, (80, 110, 140), 10)
            facade[np.mod(along, 0.5) < 0.14] = (40, 55, 75)
        here = here & (up < top)
        picture[here], labels[here] = facade[here], _CLASS[kind]
    return Texture(picture, labels, 0.0)


def make_sprites(rng: np.random.Generator) -> list[Sprite]:
    """The traffic: cars in both lanes, people, poles and signs on the sidewalks."""
    sprites = [
        _sprite(_car(rng), "car", 2.0, 14.0, 7.0, metres=1.9),
        _sprite(_car(rng), "car", -2.0, 45.0, -5.0, metres=1.9),
        _sprite(_car(rng), "car", 2.0, 38.0, 9.0, metres=1.9),
    ]
    for number in range(3):
        side = 1 if number % 2 else -1
        sprites.append(_sprite(_person(rng), "pedestrian", side * 5.5, 12.0 + 15 * number, side * 1.2, metres=0.7))
    for number in range(4):
        side = 1 if number % 2 else -1
        sprites.append(_sprite(_pole(rng), "pole", side * 4.6, 8.0 + 13 * number, 0.0, metres=0.25))
    return [*sprites, _sprite(_sign(rng), "sign", 5.2, 26.0, 0.0, metres=0.9)]


def _sprite(
    shape: tuple[np.ndarray, np.ndarray], label: str, across: float, start: float, speed: float, *, metres: float
) -> Sprite:
    picture, mask = shape
    return Sprite(picture, mask, _CLASS[label], across, start, speed, metres / mask.shape[1])


def _car(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    picture, mask = _noise(rng, 96, 120, rng.integers(40, 230, 3), 6), np.zeros((96, 120), np.uint8)
    cv2.rectangle(mask, (4, 38), (115, 84), 255, -1)
    cv2.fillPoly(mask, [np.array([[18, 40], [34, 6], [85, 6], [101, 40]])], 255)
    cv2.rectangle(mask, (10, 82), (28, 95), 255, -1)
    cv2.rectangle(mask, (91, 82), (109, 95), 255, -1)
    cv2.fillPoly(picture, [np.array([[26, 36], [38, 11], [81, 11], [93, 36]])], (70, 60, 50))
    cv2.rectangle(picture, (6, 46), (22, 56), (40, 40, 200), -1)
    cv2.rectangle(picture, (97, 46), (113, 56), (40, 40, 200), -1)
    cv2.rectangle(picture, (0, 82), (120, 96), (25, 25, 25), -1)
    cv2.rectangle(picture, (46, 60), (74, 69), (60, 210, 230), -1)
    return picture, mask


def _person(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    picture, mask = _noise(rng, 120, 48, rng.integers(20, 200, 3), 14), np.zeros((120, 48), np.uint8)
    cv2.circle(mask, (24, 12), 10, 255, -1)
    cv2.circle(picture, (24, 12), 10, (130, 160, 205), -1)
    cv2.ellipse(mask, (24, 48), (16, 28), 0, 0, 360, 255, -1)
    cv2.rectangle(mask, (13, 66), (22, 119), 255, -1)
    cv2.rectangle(mask, (27, 66), (36, 119), 255, -1)
    picture[72:] = (70, 50, 40)
    return picture, mask


def _pole(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _noise(rng, 260, 12, (120, 125, 120), 10), np.full((260, 12), 255, np.uint8)


def _sign(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    picture, mask = _noise(rng, 200, 60, (235, 235, 235), 5), np.zeros((200, 60), np.uint8)
    cv2.circle(mask, (30, 30), 29, 255, -1)
    cv2.circle(picture, (30, 30), 26, (40, 40, 210), 8)
    return picture, mask


def _noise(
    rng: np.random.Generator, rows: int, columns: int, colour: object, strength: float, *, grain: int = 2
) -> np.ndarray:
    """A rough surface: (rows, columns, 3) uint8, coarse and fine grain around a colour."""
    fine = rng.normal(0, 1, (rows // grain + 1, columns // grain + 1)).astype(np.float32)
    coarse = rng.normal(0, 1, (rows // 24 + 1, columns // 24 + 1)).astype(np.float32)
    rough = cv2.resize(fine, (columns, rows)) + cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.asarray(colour, np.float32) + strength * rough[..., None], 0, 255).astype(np.uint8)
