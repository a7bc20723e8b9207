"""One camera frame on its way through the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wsvs_ros.errors import WsvsError


class FrameError(WsvsError):
    """A camera frame is not an image that can be segmented."""


@dataclass(frozen=True)
class Frame:
    """
    One camera frame.

    The image is kept by reference, never copied: whoever made it leaves it unchanged from then on.

    :param image: (H, W, 3) uint8 BGR at the camera's own resolution.
    :param stamp_ns: time of capture, nanoseconds.
    :param frame_id: the camera's coordinate frame (ROS `header.frame_id`).
    :param name: stem of the files written for this frame, e.g. `0016E5_07959`.
    :param source: anything the caller wants back with the result, e.g. the message header.
    :raises FrameError: if the image is not (H, W, 3) uint8 with at least one pixel.
    """

    image: np.ndarray
    stamp_ns: int
    frame_id: str = ""
    name: str = ""
    source: Any = None

    def __post_init__(self) -> None:
        image = self.image
        if not isinstance(image, np.ndarray):
            raise FrameError(f"frame {self._label()}: image is a {type(image).__name__}, expected an array")
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise FrameError(
                f"frame {self._label()}: image is {image.shape} {image.dtype}, expected (H, W, 3) uint8 BGR "
                "with at least one pixel"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image, pixels."""
        return self.image.shape[1], self.image.shape[0]

    def _label(self) -> str:
        return repr(self.name) if self.name else f"at {self.stamp_ns} ns"
