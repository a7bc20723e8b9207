"""Image messages: every encoding's colours, odd layouts, and garbage."""

from __future__ import annotations

import array
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsvs_ros.images import ENCODINGS, ImageError, fill_image, fill_png, to_bgr

BGR = (30, 120, 220)


def message(data: Any, encoding: str, width: int, height: int, *, step: int | None = None, big: int = 0) -> Any:
    raw = data.tobytes() if isinstance(data, np.ndarray) else data
    return SimpleNamespace(
        data=raw,
        encoding=encoding,
        width=width,
        height=height,
        step=len(raw) // height if step is None else step,
        is_bigendian=big,
    )


def picture(width: int = 8, height: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("encoding", "code"),
    [
        ("bgr8", None),
        ("8UC3", None),
        ("rgb8", cv2.COLOR_BGR2RGB),
        ("bgra8", cv2.COLOR_BGR2BGRA),
        ("rgba8", cv2.COLOR_BGR2RGBA),
    ],
)
def test_colour_encodings_are_exact(encoding: str, code: int | None) -> None:
    image = picture()
    sent = image if code is None else cv2.cvtColor(image, code)
    assert np.array_equal(to_bgr(message(sent, encoding, 8, 6)), image)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_gray_becomes_three_equal_channels(encoding: str) -> None:
    gray = picture()[..., 0]
    assert np.array_equal(to_bgr(message(gray, encoding, 8, 6)), np.dstack([gray] * 3))


@pytest.mark.parametrize("encoding", ["mono16", "16UC1"])
@pytest.mark.parametrize("big", [0, 1])
def test_sixteen_bits_keep_the_upper_byte_in_either_byte_order(encoding: str, big: int) -> None:
    values = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    sent = values.astype(">u2" if big else "<u2")
    assert np.array_equal(to_bgr(message(sent, encoding, 8, 6, big=big))[..., 0], values >> 8)


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("bits", [8, 16])
def test_bayer_patterns_have_ros_names(pattern: str, bits: int) -> None:
    mosaic = np.zeros((16, 16), np.uint16)
    for place, colour in enumerate(pattern):
        mosaic[place // 2 :: 2, place % 2 :: 2] = BGR["bgr".index(colour)]
    sent = mosaic.astype(np.uint8) if bits == 8 else (mosaic << 8).astype("<u2")
    found = to_bgr(message(sent, f"bayer_{pattern}{bits}", 16, 16))
    assert np.abs(found[4:-4, 4:-4].astype(int) - BGR).max() <= 1


@pytest.mark.parametrize(("encoding", "order"), [("yuv422", "uyvy"), ("yuv422_yuy2", "yuyv")])
def test_yuv422_orders(encoding: str, order: str) -> None:
    y, u, v = (int(c) for c in cv2.cvtColor(np.uint8([[BGR]]), cv2.COLOR_BGR2YUV)[0, 0])
    # video range, as cameras send it
    y, u, v = 16 + y * 219 // 255, 128 + (u - 128) * 224 // 255, 128 + (v - 128) * 224 // 255
    row = bytes({"y": y, "u": u, "v": v}[c] for c in order) * 4
    found = to_bgr(message(row * 6, encoding, 8, 6)).astype(int)
    assert found.shape == (6, 8, 3)
    assert np.abs(found - BGR).max() <= 25  # subsampled and rounded, but the colour is the colour


@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"])
@pytest.mark.parametrize("width", [1, 7, 1921])
def test_yuv422_of_odd_width_is_refused(encoding: str, width: int) -> None:
    with pytest.raises(ImageError, match=rf"4:2:2 image of {width}x6 pixels; an even width is needed"):
        to_bgr(message(bytes(2 * width * 6), encoding, width, 6))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_at_odd_and_even_sizes_is_a_picture_or_refused(encoding: str) -> None:
    taken = 0
    for width, height in [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (3, 3), (16, 5), (17, 5), (64, 48), (641, 3)]:
        sent = message(b"\x80" * (8 * width * height), encoding, width, height)
        for _ in range(3):  # a heap that was written beyond is noticed later
            try:
                assert to_bgr(sent).shape == (height, width, 3)
                taken += 1
            except ImageError:
                assert width % 2 or height % 2
    assert taken


def test_padding_is_cut_off_and_may_lack_on_the_last_row() -> None:
    image = picture()
    padded = np.pad(image.reshape(6, 24), ((0, 0), (0, 7)), constant_values=99)
    assert np.array_equal(to_bgr(message(padded, "bgr8", 8, 6, step=31)), image)
    assert np.array_equal(to_bgr(message(padded.tobytes()[:-7], "bgr8", 8, 6, step=31)), image)


@pytest.mark.parametrize(
    "wrap", [bytes, bytearray, memoryview, list, lambda b: array.array("B", b), lambda b: np.frombuffer(b, np.uint8)]
)
def test_any_kind_of_bytes(wrap: Any) -> None:
    image = picture()
    sent = message(image, "bgr8", 8, 6)
    sent.data = wrap(sent.data)
    assert np.array_equal(to_bgr(sent), image)


def test_no_more_pixels_than_agreed() -> None:
    sent = message(picture(), "bgr8", 8, 6)
    assert to_bgr(sent, max_pixels=48).shape == (6, 8, 3)
    with pytest.raises(ImageError, match="image of 8x6 pixels, more than max_pixels, 47"):
        to_bgr(sent, max_pixels=47)


def test_unpadded_bgr8_is_not_copied() -> None:
    sent = message(picture(), "bgr8", 8, 6)
    assert np.shares_memory(to_bgr(sent), np.frombuffer(sent.data, np.uint8))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"encoding": "32FC1"}, "encoding '32FC1' is not understood; accepted are .*bgr8"),
        ({"encoding": ""}, "encoding '' is not understood"),
        ({"encoding": "x" * 100_000}, r"'x{40}'\.\.\. \(100000 characters\) is not understood.{0,300}$"),
        ({"width": 2**32 - 1, "height": 2**32 - 1}, "4294967295x4294967295 pixels, more than max_pixels, 67108864"),
        ({"width": 0}, "image of 0x6 pixels"),
        ({"height": 0}, "image of 8x0 pixels"),
        ({"step": 23}, "step is 23 bytes, but a row of 8 bgr8 pixels has 24"),
        ({"step": 0}, "step is 0 bytes"),
        ({"height": 7}, "144 bytes of data, but 7 rows of 24 bytes were announced: truncated"),
        ({"data": b""}, "0 bytes of data"),
        ({"data": "text"}, "data is a str, not bytes"),
    ],
)
def test_malformed_images_say_what_is_wrong(change: dict[str, Any], says: str) -> None:
    sent = message(picture(), "bgr8", 8, 6)
    vars(sent).update(change)
    with pytest.raises(ImageError, match=says):
        to_bgr(sent)


@given(
    encoding=st.sampled_from([*ENCODINGS, "jpeg", "32FC1", "bgr16"]),
    width=st.integers(0, 9),
    height=st.integers(0, 9),
    step=st.integers(0, 40),
    data=st.binary(max_size=400),
    big=st.integers(0, 255),
)
def test_garbage_gives_a_picture_or_an_image_error(
    encoding: str, width: int, height: int, step: int, data: bytes, big: int
) -> None:
    try:
        found = to_bgr(message(data, encoding, width, max(height, 0) or 0, step=step, big=big))
    except ImageError:
        return
    assert found.shape == (height, width, 3)
    assert found.dtype == np.uint8


@pytest.mark.parametrize(
    ("image", "encoding"),
    [
        (picture(), "bgr8"),
        (picture()[..., 1], "mono8"),
        (picture()[:, ::2], "bgr8"),
    ],
)
def test_filled_image_reads_back(image: np.ndarray, encoding: str) -> None:
    header = object()
    filled = fill_image(SimpleNamespace(), image, encoding, header)
    assert filled.header is header
    assert isinstance(filled.data, array.array)
    assert np.array_equal(to_bgr(filled), image if image.ndim == 3 else np.dstack([image] * 3))


def test_float_confidence_keeps_its_values() -> None:
    confidence = np.random.default_rng(0).random((6, 8), np.float32)
    filled = fill_image(SimpleNamespace(), confidence, "32FC1", None)
    assert filled.step == 32
    assert np.array_equal(np.frombuffer(filled.data, np.float32).reshape(6, 8), confidence)


def test_image_that_does_not_fit_its_encoding_is_refused() -> None:
    with pytest.raises(ImageError, match=r"mono8 needs uint8 with 1 channel\(s\), got \(6, 8, 3\) uint8"):
        fill_image(SimpleNamespace(), picture(), "mono8", None)


def test_labels_become_a_png_that_loses_nothing() -> None:
    labels = np.random.default_rng(0).integers(0, 256, (13, 17), dtype=np.uint8)
    header = SimpleNamespace(frame_id="front")
    filled = fill_png(SimpleNamespace(), labels, header)
    assert filled.header is header
    assert filled.format.startswith("mono8; png compressed")
    assert isinstance(filled.data, array.array)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(filled.data, np.uint8), cv2.IMREAD_UNCHANGED), labels)
