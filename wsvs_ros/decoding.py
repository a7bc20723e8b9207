"""Compressed images to pixels: never more of them than agreed, and in silence."""

from __future__ import annotations

import re

import cv2
import numpy as np

from wsvs_ros.errors import WsvsError, quoted
from wsvs_ros.image_headers import announced_size
from wsvs_ros.quiet import caught_lines

MAX_PIXELS = 8192 * 8192
"""Width times height of the largest image that is taken in unless somebody says otherwise."""

_LINES = re.compile(  # what the decoders print for themselves
    r"\s*$|> |libpng (error|warning)|Corrupt JPEG|Premature end|Invalid (SOS|JPEG)|Unsupported (JPEG|marker)"
    r"|Inconsistent progression|Warning: unknown JFIF|Application transferred too|TIFF|imread|imdecode"
    r"|\[ ?(WARN|ERROR|INFO)[^\]]*\] (global|imdecode)"
)


_PREFIX = re.compile(r"\[[^\]]*\] global \S+ ")  # severity, thread, time and place of OpenCV's own


class ImageError(WsvsError):
    """An image message that is malformed or of an encoding that is not understood."""


def decode(data: np.ndarray, kind: str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """
    The picture of a compressed image. Its header is read first: some hundred kilobytes can announce gigabytes.

    :param data: (n,) uint8: a JPEG, PNG, TIFF or WebP.
    :param kind: what the sender calls it, for the error.
    :param max_pixels: width times height, at most.
    :return: (H, W, 3) uint8 BGR.
    :raises ImageError: if it is damaged, of another kind or too large.
    """
    name = f"compressed image of format {quoted(kind)}"
    if not len(data):
        raise ImageError(f"{name} has no data")
    try:
        found = announced_size(data.data)
    except ValueError as error:
        raise ImageError(f"{name} cannot be decoded: {error}") from None
    if found is None:
        raise ImageError(f"{name} cannot be decoded: {len(data)} bytes that are no JPEG, PNG, TIFF or WebP")
    check_size(found.width, found.height, max_pixels)
    what = f"a {found.kind} of {found.width}x{found.height} pixels"
    if len(data) < found.least:
        raise ImageError(f"{name} cannot be decoded: {what} in {len(data)} bytes: truncated")
    image, printed = _decode(data)
    if image is None:
        raise ImageError(f"{name} cannot be decoded: {what}: {printed or f'{len(data)} bytes, damaged'}")
    return image


def check_size(width: int, height: int, max_pixels: int) -> None:
    """
    Refuse what no camera sends.

    :raises ImageError: naming the size and what it may be.
    """
    if width < 1 or height < 1:
        raise ImageError(f"image of {width}x{height} pixels; each side must be at least 1")
    if width * height > max_pixels:
        raise ImageError(f"image of {width}x{height} pixels, more than max_pixels, {max_pixels}")


def _decode(data: np.ndarray) -> tuple[np.ndarray | None, str]:
    """The picture, or None and what the decoder said."""
    failure = ""
    image = None
    with caught_lines(_LINES) as lines:
        try:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error as error:  # OpenCV 4 raises it for images beyond a limit of its own
            failure = error.err
    return image, failure or "; ".join(dict.fromkeys(_PREFIX.sub("", line).strip() for line in lines[:3]))
