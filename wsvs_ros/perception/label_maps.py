"""Label maps in files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.errors import WsvsError


def read_label_map(path: Path) -> np.ndarray:
    """
    Read a label PNG.

    :return: (H, W) uint8 ids.
    :raises WsvsError: if the file is no 8-bit image of one channel.
    """
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 2 or image.dtype != np.uint8:
        got = "not readable" if image is None else f"{image.shape} {image.dtype}"
        raise WsvsError(f"{path}: {got}; a label map is an 8-bit PNG of one channel")
    return image
