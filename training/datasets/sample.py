"""One training sample, wherever it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """
    A frame with the tags of its image or clip. It holds no pixel label, by construction.

    :param key: unique name, e.g. ``camvid/0001TP_006690``; names this frame in caches, logs and errors.
    :param tags: (N,) bool, the classes the frame's image or clip shows.
    :param load_image: reads the (H, W, 3) uint8 RGB image at the working size.
    :param load_flow: reads the (2L, H, W) float32 flow stack at the working size; None for a lone frame.
    """

    key: str
    tags: np.ndarray
    load_image: Callable[[], np.ndarray]
    load_flow: Callable[[], np.ndarray] | None = None
