"""One training sample, wherever it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shot:
    """
    Consecutive frames of a video.

    :param name: unique; names it in caches.
    :param video: the recording that it is a part of.
    :param length: number of frames.
    :param load: reads the frames from the first number up to the second, (T, H, W, 3) uint8 RGB at the working size.
        It can be sent to another process.
    """

    name: str
    video: str
    length: int
    load: Callable[[int, int], np.ndarray]


@dataclass(frozen=True)
class Sample:
    """
    A frame with the tags of its image or clip. It holds no pixel label, by construction.

    :param key: unique name, e.g. ``camvid/0001TP_006690``; names this frame in caches, logs and errors.
    :param tags: (N,) bool, the classes the frame's image or clip shows.
    :param load_image: reads the (H, W, 3) uint8 RGB image at the working size.
    :param load_flow: reads the (2L, H, W) float32 flow stack at the working size; None for a lone frame.
    :param shot: the shot it is a frame of; None for a lone frame.
    :param frame: its number in the shot, from 0.
    """

    key: str
    tags: np.ndarray
    load_image: Callable[[], np.ndarray]
    load_flow: Callable[[], np.ndarray] | None = None
    shot: Shot | None = None
    frame: int = 0
