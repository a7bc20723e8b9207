"""Pictures of heatmaps, masks and predictions, for people who want to see what is learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from training.networks.marks import BACKGROUND, FOREGROUND
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.painting import overlay

_COLUMNS = 4
_FONT = (cv2.FONT_HERSHEY_SIMPLEX, 0.5)


def labels_picture(image: np.ndarray, labels: np.ndarray, label_set: LabelSet) -> np.ndarray:
    """
    Paint coarse labels over an image.

    :param image: (H, W, 3) uint8 RGB.
    :param labels: (h, w) uint8 class ids and the marks of :mod:`training.networks.marks`: what is of any object is
        white, what is of the background dark, what is of no class as it is.
    :return: (H, W, 3) uint8 RGB.
    """
    size = (image.shape[1], image.shape[0])
    full = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    painted = overlay(np.ascontiguousarray(image[..., ::-1]), full, label_set)[..., ::-1]
    for mark, shade in ((FOREGROUND, 255), (BACKGROUND, 0)):
        painted = np.where((full == mark)[..., None], image // 2 + shade // 2, painted)
    return painted.astype(np.uint8)


def heatmap_picture(image: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """
    Paint a heatmap over an image, from dark blue (0) to red (1).

    :param image: (H, W, 3) uint8 RGB.
    :param heatmap: (h, w) float32 in [0, 1].
    :return: (H, W, 3) uint8 RGB.
    """
    full = cv2.resize(heatmap.astype(np.float32), (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    painted = cv2.applyColorMap((255 * full.clip(0, 1)).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    return cv2.addWeighted(np.ascontiguousarray(painted), 0.5, image, 0.5, 0)


def heatmap_sheet(
    image: np.ndarray, labels: np.ndarray, heatmaps: np.ndarray, tags: np.ndarray, label_set: LabelSet
) -> np.ndarray:
    """
    A sample on one sheet: the image, its masks, and the heatmap of each tagged class.

    :param labels: (h, w) uint8 class ids of the masks.
    :param heatmaps: (N, h, w) float32 in [0, 1].
    :param tags: (N,) bool.
    :return: (H', W', 3) uint8 RGB.
    """
    tiles = [("image", image), ("masks", labels_picture(image, labels, label_set))]
    tagged = [index for index, present in enumerate(tags) if present]
    tiles += [
        (f"{label_set.names[index]}, at most {heatmaps[index].max():.2f}", heatmap_picture(image, heatmaps[index]))
        for index in tagged
    ]
    return sheet(tiles)


def sheet(tiles: Sequence[tuple[str, np.ndarray]], columns: int = _COLUMNS) -> np.ndarray:
    """
    Lay out captioned pictures in rows.

    :param tiles: captions and (H, W, 3) uint8 RGB pictures of one size.
    :return: (rows * H, columns * W, 3) uint8 RGB.
    """
    captioned = [_caption(picture, text) for text, picture in tiles]
    captioned += [np.zeros_like(captioned[0])] * (-len(captioned) % columns)
    return np.vstack([np.hstack(captioned[row : row + columns]) for row in range(0, len(captioned), columns)])


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write an (H, W, 3) uint8 RGB picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def _caption(picture: np.ndarray, text: str) -> np.ndarray:
    picture = np.ascontiguousarray(picture).copy()
    (width, height), below = cv2.getTextSize(text, *_FONT, 1)
    cv2.rectangle(picture, (0, 0), (width + 12, height + below + 8), (0, 0, 0), cv2.FILLED)
    cv2.putText(picture, text, (6, height + 4), *_FONT, (255, 255, 255), 1, cv2.LINE_AA)
    return picture
