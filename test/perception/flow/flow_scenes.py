"""Image pairs with known motion, for the tests of all flows."""

from __future__ import annotations

import cv2
import numpy as np


def texture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A gray image with structure at several scales, as flow needs it."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for sigma in (2, 4, 8):
        total += sigma * cv2.GaussianBlur(random.normal(0, 1, total.shape).astype(np.float32), (0, 0), sigma)
    return cv2.normalize(total, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def shifted_pair(u: int, v: int, size: tuple[int, int] = (160, 120), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two views of one texture: what is at (x, y) in the first is at (x + u, y + v) in the second."""
    width, height = size
    large = texture(width + 60, height + 60, seed)
    return large[30 : 30 + height, 30 : 30 + width], large[30 - v : 30 - v + height, 30 - u : 30 - u + width]


def zoomed_pair(factor: float, size: tuple[int, int] = (160, 120)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A texture, the same enlarged around its centre, and the true flow (2, H, W)."""
    width, height = size
    large = texture(2 * width, 2 * height)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2

    def view(scale: float) -> np.ndarray:
        across, down = (x - centre_x) / scale + width, (y - centre_y) / scale + height
        return cv2.remap(large, across, down, cv2.INTER_CUBIC)

    truth = np.stack([(x - centre_x) * (factor - 1), (y - centre_y) * (factor - 1)])
    return view(1.0), view(factor), truth
