"""Label maps in files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.indexed_png import ids_png


def read_label_map(path: Path) -> np.ndarray:
    """
    Read a label PNG: gray, or indexed with a palette, whose pixels are then the places in it.

    :return: (H, W) uint8 ids.
    :raises WsvsError: if the file is no 8-bit image of one channel.
    """
    try:
        content = ids_png(path.read_bytes())
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED) if content else None
        got = "not readable" if image is None else f"{image.shape} {image.dtype}"
    except OSError as error:
        raise WsvsError(f"{path}: not readable: {error.strerror}") from error
    except (ValueError, cv2.error) as error:
        image, got = None, str(error)
    if image is None or image.ndim != 2 or image.dtype != np.uint8:
        raise WsvsError(f"{path}: {got}; a label map is an 8-bit PNG of one channel")
    return image
