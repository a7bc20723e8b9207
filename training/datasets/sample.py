"""One training sample, wherever it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.caches import Ingredients, digest


@dataclass(frozen=True)
class Shot:
    """
    Consecutive frames of a video.

    :param name: unique; names it in caches.
    :param video: the recording that it is a part of.
    :param length: number of frames.
    :param load: reads the frames from the first number up to the second, (T, H, W, 3) uint8 RGB at the working size.
        It can be sent to another process.
    :param content: digest of the frames; empty where the frames were not asked for.
    """

    name: str
    video: str
    length: int
    load: Callable[[int, int], np.ndarray]
    content: str = ""


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
    :param content: digest of what the image is read from.
    :param flow_content: digest of what the flow is computed from, and how.
    """

    key: str
    tags: np.ndarray
    load_image: Callable[[], np.ndarray]
    load_flow: Callable[[], np.ndarray] | None = None
    shot: Shot | None = None
    frame: int = 0
    content: str = ""
    flow_content: str = ""

    def made_of(self) -> Ingredients:
        """What a training learns of it."""
        flow = {"flow": self.flow_content} if self.flow_content else {}
        return {"image": self.content, "tags": digest(self.tags.tolist()), **flow}
