"""Image messages to arrays and back, for every encoding that cameras send.

Works by attributes alone, so that a message may come from rclpy, from `rosbags` or from the embedded
middleware. cv_bridge is not needed: Jazzy's is built against NumPy 1 and fails beside torch's NumPy 2.
"""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from wsvs_ros.decoding import MAX_PIXELS, ImageError, check_size, decode
from wsvs_ros.errors import quoted

__all__ = ["ENCODINGS", "MAX_PIXELS", "ImageError", "fill_image", "fill_png", "to_bgr"]


def _gray16(image: np.ndarray) -> np.ndarray:
    """The upper byte: what a display of mono16 shows."""
    return cv2.cvtColor((image >> 8).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def _converter(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: cv2.cvtColor(image, code)


def _bayer(code: int) -> Callable[[np.ndarray], np.ndarray]:
    def convert(image: np.ndarray) -> np.ndarray:
        if image.shape[0] < 2 or image.shape[1] < 2:
            raise ImageError(f"a Bayer image of {image.shape[1]}x{image.shape[0]} pixels; at least 2x2 is needed")
        return cv2.cvtColor(image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8), code)

    return convert


def _yuv422(code: int) -> Callable[[np.ndarray], np.ndarray]:
    """Two pixels share their colour: OpenCV 4 writes beyond an image of odd width, OpenCV 5 refuses it."""

    def convert(image: np.ndarray) -> np.ndarray:
        if image.shape[1] % 2:
            raise ImageError(f"a YUV 4:2:2 image of {image.shape[1]}x{image.shape[0]} pixels; an even width is needed")
        return cv2.cvtColor(image, code)

    return convert


# OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by its first row's first two.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2BGR,
    "bggr": cv2.COLOR_BayerRG2BGR,
    "gbrg": cv2.COLOR_BayerGR2BGR,
    "grbg": cv2.COLOR_BayerGB2BGR,
}

# encoding -> (dtype, channels, to BGR)
_ENCODINGS: dict[str, tuple[type, int, Callable[[np.ndarray], np.ndarray]]] = {
    "bgr8": (np.uint8, 3, lambda image: image),
    "8UC3": (np.uint8, 3, lambda image: image),
    "rgb8": (np.uint8, 3, _converter(cv2.COLOR_RGB2BGR)),
    "bgra8": (np.uint8, 4, _converter(cv2.COLOR_BGRA2BGR)),
    "8UC4": (np.uint8, 4, _converter(cv2.COLOR_BGRA2BGR)),
    "rgba8": (np.uint8, 4, _converter(cv2.COLOR_RGBA2BGR)),
    "mono8": (np.uint8, 1, _converter(cv2.COLOR_GRAY2BGR)),
    "8UC1": (np.uint8, 1, _converter(cv2.COLOR_GRAY2BGR)),
    "mono16": (np.uint16, 1, _gray16),
    "16UC1": (np.uint16, 1, _gray16),
    "yuv422": (np.uint8, 2, _yuv422(cv2.COLOR_YUV2BGR_UYVY)),
    "uyvy": (np.uint8, 2, _yuv422(cv2.COLOR_YUV2BGR_UYVY)),
    "yuv422_yuy2": (np.uint8, 2, _yuv422(cv2.COLOR_YUV2BGR_YUY2)),
    "yuyv": (np.uint8, 2, _yuv422(cv2.COLOR_YUV2BGR_YUY2)),
    **{f"bayer_{name}8": (np.uint8, 1, _bayer(code)) for name, code in _BAYER.items()},
    **{f"bayer_{name}16": (np.uint16, 1, _bayer(code)) for name, code in _BAYER.items()},
}

ENCODINGS = tuple(sorted(_ENCODINGS))
"""The encodings that `to_bgr` understands."""

_OUTGOING = {"mono8": (np.uint8, 1), "bgr8": (np.uint8, 3), "32FC1": (np.float32, 1)}


def to_bgr(message: Any, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """
    The picture of an Image or CompressedImage message.

    :param message: anything with the fields of sensor_msgs/Image (`height`, `width`, `encoding`,
        `is_bigendian`, `step`, `data`) or of sensor_msgs/CompressedImage (`format`, `data`).
    :param max_pixels: width times height, at most; no more memory is taken for a message that announces more.
    :return: (H, W, 3) uint8 BGR, contiguous; 16-bit images keep their upper byte. bgr8 without padding
        shares the message's memory.
    :raises ImageError: naming the encoding, or what is wrong with size, step or data.
    """
    if not hasattr(message, "encoding"):
        return decode(_bytes(message.data), getattr(message, "format", ""), max_pixels)
    encoding = message.encoding
    if encoding not in _ENCODINGS:
        raise ImageError(f"encoding {quoted(encoding)} is not understood; accepted are {', '.join(ENCODINGS)}")
    dtype, channels, convert = _ENCODINGS[encoding]
    check_size(int(message.width), int(message.height), max_pixels)
    pixels = _pixels(message, np.dtype(dtype), channels)
    try:
        return np.ascontiguousarray(convert(pixels))
    except cv2.error as error:
        height, width = pixels.shape[:2]
        raise ImageError(f"{encoding} image of {width}x{height} pixels: cannot be converted: {error.err}") from None


def _pixels(message: Any, dtype: np.dtype[Any], channels: int) -> np.ndarray:
    """(H, W[, C]) view of the message's data, native byte order, padding cut off."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    row = width * channels * dtype.itemsize
    if step < row:
        raise ImageError(f"step is {step} bytes, but a row of {width} {message.encoding} pixels has {row}")
    data = _bytes(message.data)
    # drivers leave out the last row's padding now and then
    needed = step * (height - 1) + row
    if len(data) < needed:
        raise ImageError(f"{len(data)} bytes of data, but {height} rows of {step} bytes were announced: truncated")
    rows = np.lib.stride_tricks.as_strided(data, (height, row), (step, 1), writeable=False)
    if dtype.itemsize > 1:
        sent = dtype.newbyteorder(">") if message.is_bigendian else dtype.newbyteorder("<")
        rows = np.ascontiguousarray(rows).view(sent).astype(dtype)
    return rows.reshape(height, width, channels) if channels > 1 else rows.reshape(height, width)


def _bytes(data: Any) -> np.ndarray:
    """(n,) uint8 view of whatever a middleware hands over; only lists are copied."""
    if isinstance(data, np.ndarray) and data.dtype == np.uint8:
        return np.ascontiguousarray(data).reshape(-1)
    try:
        buffer = bytes(data) if isinstance(data, (list, tuple)) else memoryview(data).cast("B")
    except (TypeError, ValueError) as error:
        raise ImageError(f"data is a {type(data).__name__}, not bytes: {error}") from None
    return np.frombuffer(buffer, np.uint8)


def fill_image(message: Any, image: np.ndarray, encoding: str, header: Any) -> Any:
    """
    Put an array into an Image message.

    :param message: a new sensor_msgs/Image.
    :param image: (H, W) uint8 for `mono8`, (H, W, 3) uint8 for `bgr8`, (H, W) float32 for `32FC1`.
    :param header: copied by reference: stamp and frame_id stay exactly the input's.
    :return: the message. Its data is an `array.array('B')`, the one type that rclpy copies at once.
    :raises ImageError: if the array does not fit the encoding.
    """
    if encoding not in _OUTGOING:
        raise ImageError(f"encoding {encoding!r} cannot be sent; choose one of {', '.join(_OUTGOING)}")
    dtype, channels = _OUTGOING[encoding]
    shape = (*image.shape[:2], channels) if channels > 1 else image.shape[:2]
    if image.dtype != dtype or image.shape != shape:
        raise ImageError(
            f"{encoding} needs {np.dtype(dtype).name} with {channels} channel(s), got {image.shape} {image.dtype}"
        )
    message.header = header
    message.height, message.width = image.shape[:2]
    message.encoding = encoding
    message.is_bigendian = 0
    message.step = image.shape[1] * channels * image.dtype.itemsize
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(image).data.cast("B"))
    message.data = data
    return message


def fill_png(message: Any, labels: np.ndarray, header: Any) -> Any:
    """
    Put a label map into a CompressedImage message, as PNG: JPEG would mix class ids.

    :param message: a new sensor_msgs/CompressedImage.
    :param labels: (H, W) uint8.
    :param header: copied by reference.
    :return: the message, in the format that image_transport's compressed plugin reads.
    """
    _, content = cv2.imencode(".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    message.header = header
    message.format = "mono8; png compressed "
    message.data = array.array("B", content.tobytes())
    return message
