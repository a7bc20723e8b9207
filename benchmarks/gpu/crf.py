"""The CRF on a GPU: what it answers beside the CPU's, and how fast when captured."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch

from benchmarks.cuda import copy_bandwidth, median_seconds
from benchmarks.gpu.parts import Row, without_gpu
from wsvs_ros.perception import CrfSettings
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.crf.torch_crf import TorchCrf
from wsvs_ros.perception.cuda.graphs import CapturedFunction

_SIZES = ((480, 360, 11), (1024, 512, 19))
_ITERATIONS = 5
_WANTED_MS = 5.0  # 1024x512, 19 classes, five iterations


def scene(width: int, height: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth probabilities (classes, height, width) and an image of blurred colours (height, width, 3)."""
    random = np.random.default_rng(0)
    colours = cv2.resize(random.integers(0, 256, (height // 16, width // 16, 3), np.uint8), (width, height))
    scores = [cv2.resize(random.random((height // 8, width // 8), np.float32), (width, height)) for _ in range(classes)]
    exponents = np.exp(4 * np.stack(scores))
    return (exponents / exponents.sum(0)).astype(np.float32), colours


def crf() -> Iterator[Row]:
    """Agreement with pydensecrf where it is, or with the CPU; then captured times."""
    settings = CrfSettings(_ITERATIONS)
    missing = without_gpu()
    if missing:
        yield missing
    yield agreement(settings, "cpu" if missing else "cuda", scene(240, 180, 11))
    if missing:
        return
    bandwidth = copy_bandwidth()
    for width, height, classes in _SIZES:
        torch.cuda.reset_peak_memory_stats()
        inputs = scene(width, height, classes)
        probabilities = torch.from_numpy(inputs[0])[None].cuda()
        images = torch.from_numpy(inputs[1]).permute(2, 0, 1)[None].cuda()
        captured = CapturedFunction(lambda scores, image: DenseCrf(image, settings).infer(scores))
        seconds = median_seconds(lambda run=captured, at=(probabilities, images): run(*at))
        # as benchmarks/crf.py counts: marginals read and written by each step, indices and weights of six vertices
        moved = _ITERATIONS * height * width * (7 * 4 * classes + 2 * 6 * 8)
        row = {
            "what": f"CRF, {width}x{height}, {classes} classes, {_ITERATIONS} iterations, captured",
            "ms": 1e3 * seconds,
            "share of the bandwidth floor": moved / bandwidth / seconds,
            "peak MB": torch.cuda.max_memory_allocated() / 1e6,
        }
        if width == 1024:
            row["wanted ms"] = _WANTED_MS
        yield row


def agreement(settings: CrfSettings, device: str, inputs: tuple[np.ndarray, np.ndarray]) -> Row:
    """Equal labels and the largest difference of a probability between this device and what it is checked against."""
    try:
        from wsvs_ros.perception.crf.create import create_crf

        reference = create_crf(settings, "pydensecrf")
    except Exception:  # not installed, or does not load: the CPU is left
        reference = TorchCrf(settings)
    found, expected = TorchCrf(settings, device)(*inputs), reference(*inputs)
    return {
        "what": f"CRF, torch on {device} and {reference.name}",
        "same label, %": 100 * float((found.argmax(0) == expected.argmax(0)).mean()),
        "largest difference": float(np.abs(found - expected).max()),
    }
