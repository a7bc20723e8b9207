"""Samples with their masks, whole or as augmented training crops."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from training.config import Augmentation
from training.datasets.sample import Sample
from training.networks.two_stream import STRIDE
from wsvs_ros.errors import WsvsError

_LOG = logging.getLogger(__name__)


class WholeFrames(Dataset[dict[str, Tensor]]):
    """
    Samples as they are: image (3, H, W) float32 0..255, flow (2L, H, W) float32, tags (N,) bool,
    labels (H / 8, W / 8) int64 (the class whose mask holds the cell, or a mark of :mod:`training.networks.marks`),
    shot () int64 (a number a shot, -1 for a lone frame), frame () int64 (the number in the shot).

    :param masks: folder of the masks, see :func:`training.cues.heatmap.masks.make_masks`; None for samples
        without labels.
    :param length: L, the number of flow fields.
    """

    def __init__(self, samples: Sequence[Sample], masks: Path | None, *, length: int) -> None:
        self._samples = samples
        self._masks = masks
        self._length = length
        shots = {sample.shot.name for sample in samples if sample.shot is not None}
        self._shots = {name: number for number, name in enumerate(sorted(shots))}

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, position: int) -> dict[str, Tensor]:
        sample = self._samples[position]
        image = sample.load_image()
        flow = None if sample.load_flow is None else sample.load_flow()
        labels = self._labels(sample)
        labels = _crop_labels(labels, np.eye(2, 3), _cell(image, labels), (image.shape[1], image.shape[0]))
        return self._tensors(image.astype(np.float32), flow, labels, sample)

    def _labels(self, sample: Sample) -> np.ndarray:
        if self._masks is None:
            return np.full((1, 1), 255, np.uint8)
        labels: np.ndarray = np.load(self._masks / f"{sample.key}.npy")
        return labels

    def _tensors(
        self, image: np.ndarray, flow: np.ndarray | None, labels: np.ndarray, sample: Sample
    ) -> dict[str, Tensor]:
        if flow is None:
            flow = np.zeros((2 * self._length, *image.shape[:2]), np.float32)
        return {
            "image": torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))),
            "flow": torch.from_numpy(np.ascontiguousarray(flow)),
            "tags": torch.from_numpy(sample.tags),
            "labels": torch.from_numpy(labels.astype(np.int64)),
            "shot": torch.tensor(-1 if sample.shot is None else self._shots[sample.shot.name]),
            "frame": torch.tensor(sample.frame),
        }


class TrainingSet(WholeFrames):
    """
    Random crops of samples, by the same names as :class:`WholeFrames`.

    :param skip: take the next sample where one cannot be read, instead of stopping.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        masks: Path | None,
        *,
        length: int,
        augmentation: Augmentation,
        seed: int,
        skip: bool = False,
    ) -> None:
        super().__init__(samples, masks, length=length)
        self._augmentation = augmentation
        self._seed = seed
        self._skip = skip

    def __getitem__(self, position: int) -> dict[str, Tensor]:
        """The crop of a position in the endless order: ``position`` counts on over epochs and seeds the crop."""
        for candidate in range(position, position + len(self)):
            sample = self._samples[candidate % len(self)]
            try:
                return self._load(sample, np.random.default_rng((self._seed, position)))
            except WsvsError as error:
                if not self._skip:
                    raise
                _LOG.warning("%s left out: %s", sample.key, error)
        raise WsvsError("no training sample can be read any more; see the messages above")

    def _load(self, sample: Sample, rng: np.random.Generator) -> dict[str, Tensor]:
        image = sample.load_image()
        flow = None
        if sample.load_flow is not None and rng.random() >= self._augmentation.motion_dropout:
            flow = sample.load_flow()
        image, flow, labels = self._crop(image, flow, self._labels(sample), rng)
        return self._tensors(_jitter(image, self._augmentation.jitter, rng), flow, labels, sample)

    def _crop(
        self, image: np.ndarray, flow: np.ndarray | None, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """One affine map for all: scale, shift, mirror. Flow vectors are scaled and mirrored with the picture."""
        width, height = self._augmentation.crop
        scale = float(np.exp(rng.uniform(*np.log(self._augmentation.scale))))
        room = np.array([image.shape[1] * scale - width, image.shape[0] * scale - height])
        left, top = np.where(room > 0, rng.uniform(0, 1, 2) * room, room / 2)
        mirror = rng.random() < 0.5
        matrix = np.array([[scale, 0, -left], [0, scale, -top]], np.float64)
        if mirror:
            matrix[0] = [-scale, 0, width - 1 + left]
        cell = _cell(image, labels)
        image = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        if flow is not None:
            planes = [cv2.warpAffine(plane, matrix, (width, height)) * scale for plane in flow]
            flow = np.stack(planes)
            if mirror:
                flow[0::2] *= -1
        return image, flow, _crop_labels(labels, matrix, cell, (width, height))


def _cell(image: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """Width and height of a label's square of the image, pixels: a whole number, of which the last may reach over."""
    return round(image.shape[1] / labels.shape[1]), round(image.shape[0] / labels.shape[0])


def _crop_labels(labels: np.ndarray, matrix: np.ndarray, cell: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Labels on the grid of scores of a crop: ``matrix`` maps image to crop, ``cell`` is a label's size in pixels."""
    to_pixels = np.array([[cell[0], 0, (cell[0] - 1) / 2], [0, cell[1], (cell[1] - 1) / 2], [0, 0, 1]])
    shrink = 1 / STRIDE
    to_grid = np.array([[shrink, 0, (shrink - 1) / 2], [0, shrink, (shrink - 1) / 2], [0, 0, 1]])
    full = to_grid @ np.vstack([matrix, [0, 0, 1]]) @ to_pixels
    grid = (-(-size[0] // STRIDE), -(-size[1] // STRIDE))
    return cv2.warpAffine(labels, full[:2], grid, flags=cv2.INTER_NEAREST, borderValue=255)


def _jitter(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Random gamma, gain and saturation; float32 in 0..255."""
    pixels = image.astype(np.float32)
    if strength:
        gamma, gain = np.exp(rng.uniform(-strength, strength, 2))
        pixels = 255 * (pixels / 255) ** gamma * gain
        gray = pixels.mean(2, keepdims=True)
        pixels = np.clip(gray + (pixels - gray) * rng.uniform(1 - strength, 1 + strength), 0, 255)
    return pixels
