"""Pictures of frames for a page: small, inside the page's own text."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from wsvs_ros.evaluation.frames import EvaluatedFrame
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.painting import colorize

_PHOTO = 78  # quality
_LOSSLESS = 101  # beyond the greatest quality: OpenCV's way to ask WebP for exact pixels


def data_uri(image: np.ndarray, width: int, *, labels: bool = False) -> str:
    """
    A picture as the address of an image on a page.

    :param image: (H, W, 3) uint8 BGR.
    :param width: pixels to fit it to; never enlarged.
    :param labels: flat colours, which are kept exactly.
    :return: `data:image/webp;base64,...`
    """
    height, full = image.shape[:2]
    if full > width:
        size = (width, max(round(height * width / full), 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST_EXACT if labels else cv2.INTER_AREA)
    quality = _LOSSLESS if labels else _PHOTO
    content = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
    return "data:image/webp;base64," + base64.b64encode(content.tobytes()).decode("ascii")


def triplet(frame: EvaluatedFrame, label_set: LabelSet, width: int) -> dict[str, str]:
    """
    Camera, truth and prediction, those that there are.

    :return: names and data URIs.
    """
    found = {}
    if frame.image is not None:
        found["camera"] = data_uri(frame.image, width)
    if frame.truth is not None:
        found["truth"] = data_uri(colorize(frame.truth, label_set), width, labels=True)
    found["prediction"] = data_uri(colorize(frame.pred, label_set), width, labels=True)
    return found


def mistakes(pred: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """
    Where a prediction is wrong.

    :param pred: (H, W) uint8 ids; `truth` likewise.
    :return: (H, W, 3) uint8 BGR: right is pale, wrong is red, unlabelled is gray.
    """
    picture = np.full((*pred.shape, 3), (240, 240, 236), np.uint8)
    picture[pred != truth] = (60, 60, 214)
    picture[truth >= classes] = (150, 150, 150)
    return picture
