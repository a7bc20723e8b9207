"""A plane of the rendered street as the camera sees it."""

from __future__ import annotations

import cv2
import numpy as np

from wsvs_ros.drives.synthetic_scene import DENSITY, FAR, NOTHING, PERIOD, Texture


class PlaneView:
    """
    Which place of a plane each pixel shows. The camera drives along the plane, so this stays the same but for
    the distance driven, which slides the texture.

    :param there: (H, W) bool, where the plane may be seen.
    :param along: (H, W) metres ahead of the camera.
    :param across: (H, W) metres across the plane.
    """

    def __init__(self, texture: Texture, there: np.ndarray, along: np.ndarray, across: np.ndarray) -> None:
        x, y, width, height = cv2.boundingRect(there.astype(np.uint8))
        self._box = np.s_[y : y + height, x : x + width]
        there = there[self._box]
        self._columns = np.where(there, along[self._box] * DENSITY, 0).astype(np.float32)
        # a row outside the texture where the plane is not
        self._rows = np.where(there, (across[self._box] - texture.first) * DENSITY, -DENSITY).astype(np.float32)
        # the texture is laid out as far as anything is seen, so that nothing has to wrap around
        more = int((FAR + 1) * DENSITY)
        self._picture = np.pad(texture.picture, ((0, 0), (0, more), (0, 0)), mode="wrap")
        self._labels = np.pad(texture.labels, ((0, 0), (0, more)), mode="wrap")

    def paint(self, driven: float, surface: int, image: np.ndarray, labels: np.ndarray, surfaces: np.ndarray) -> None:
        """
        Paint the plane, in place.

        :param driven: metres from the street's beginning.
        :param surface: id of the plane in `surfaces`.
        """
        columns = self._columns + np.float32(driven % PERIOD * DENSITY)
        picture = cv2.remap(self._picture, columns, self._rows, cv2.INTER_LINEAR)
        found = cv2.remap(self._labels, columns, self._rows, cv2.INTER_NEAREST, borderValue=NOTHING)
        seen = cv2.compare(found, NOTHING, cv2.CMP_NE)
        cv2.copyTo(picture, seen, image[self._box])
        cv2.copyTo(found, seen, labels[self._box])
        surfaces[self._box][seen > 0] = surface
