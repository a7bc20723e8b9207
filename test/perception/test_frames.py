from __future__ import annotations

import numpy as np
import pytest

from wsvs_ros.perception.frames import Frame, FrameError


def test_the_size_is_width_then_height() -> None:
    assert Frame(np.zeros((4, 6, 3), np.uint8), 0).size == (6, 4)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((4, 6, 3), np.float32),
        np.zeros((0, 6, 3), np.uint8),
        [[1, 2, 3]],
    ],
    ids=["gray", "bgra", "float", "empty", "list"],
)
def test_what_is_no_bgr_image_is_refused_by_name(image: object) -> None:
    with pytest.raises(FrameError, match="frame '000012': image is"):
        Frame(image, 0, name="000012")  # type: ignore[arg-type]
