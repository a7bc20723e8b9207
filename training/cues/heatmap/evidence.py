"""Heatmaps of all samples, and the clusters of look-alike cells in them (BF 3.1).

A run that was interrupted goes on with the frames that are missing, and ends with the same bits.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from training.config import Config
from training.config.cues import Heatmaps
from training.cues.heatmap.heatmaps import Clusters, HeatmapModel, compete
from training.cues.heatmap.iconic import IconicClassifiers, learn_iconic_classifiers
from training.datasets import Sample
from training.networks.backbones import MobileNetV2, read_weights
from training.networks.grids import look_up
from training.networks.two_stream import STRIDE
from training.running.work_directory import cache_name
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet

_CELLS_PER_FRAME = 64  # cells of a frame that the clusters are learnt from
_CLUSTER_FRAMES = 1000  # at most so many frames teach the clusters, to bound memory and disk
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """
    What is cached of a frame.

    :param heatmaps: (N, h, w) float32, competing: a cell's evidence sums to at most 1.
    :param clusters: (h, w) int64 ids of look-alike cells.
    """

    heatmaps: Tensor
    clusters: Tensor

    def save(self, path: Path) -> None:
        """Write a compressed ``.npz``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {"heatmaps": self.heatmaps.half().numpy(), "clusters": self.clusters.numpy().astype(np.uint16)}
        aside = path.with_suffix(".aside.npz")
        np.savez_compressed(aside, **arrays)
        os.replace(aside, path)

    @classmethod
    def load(cls, path: Path) -> Evidence:
        """Read what :meth:`save` wrote."""
        with np.load(path) as arrays:
            return cls(
                torch.from_numpy(arrays["heatmaps"]).float(), torch.from_numpy(arrays["clusters"].astype(np.int64))
            )


def heatmap_settings(config: Config) -> Heatmaps:
    """The section, which only another cue does without."""
    if config.heatmaps is None:
        raise WsvsError(f"{config.name}: has no section `heatmaps`, which says what classifies the frame")
    return config.heatmaps


def build_heatmap_model(config: Config, *, cache: Path | None = None) -> HeatmapModel:
    """
    Learn the iconic classifiers and put the heatmap model together.

    :param cache: file that keeps the classifiers; those that it has are taken.
    """
    weights = config.path(heatmap_settings(config).weights or config.data.weights)
    trunk = MobileNetV2().eval()
    trunk.load_imagenet(weights)
    tensors = read_weights(weights)
    iconic = heatmap_settings(config).iconic
    learnt: IconicClassifiers | None = None
    if iconic and cache and cache.is_file():
        learnt = IconicClassifiers.load(cache)
    elif iconic:
        learnt = learn_iconic_classifiers(trunk, config.path(iconic.folder), iconic, seed=config.seed)
        if cache:
            learnt.save(cache)
    return HeatmapModel(
        label_set=LabelSet.load(config.labels),
        trunk=trunk,
        head=(tensors["classifier.1.weight"], tensors["classifier.1.bias"]),
        foreground=heatmap_settings(config).foreground,
        iconic=learnt,
        iconic_classes=iconic.classes if iconic else {},
        scales=heatmap_settings(config).scales,
        weights=heatmap_settings(config).objects,
    )


def make_heatmaps(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Compute heatmaps and clusters of all samples, or take those of an earlier run.

    :return: the folder; one ``<key>.npz`` a sample, see :class:`Evidence`. With ``data.on_error: skip`` an
        unreadable sample has none.
    :raises WsvsError: if data or weights cannot be used.
    """
    folder = work / "heatmaps" / heatmaps_name(config, without={"threshold", "certain"})
    if folder.is_dir():
        return folder
    partial = folder.with_suffix(".partial")  # where an interrupted run has begun, this one goes on
    begun = partial / "begun"
    model = build_heatmap_model(config, cache=begun / "iconic.pt")
    read = 0
    for sample, evidence in _evidence(model, samples, config, partial):
        evidence.save(evidence_file(partial, sample))
        read += 1
    if not read:
        raise WsvsError("no image could be read; see the messages above")
    shutil.rmtree(begun, ignore_errors=True)
    os.replace(partial, folder)
    return folder


@dataclass(frozen=True)
class _Teacher:
    """
    What a frame that teaches the clusters is kept by until they are learnt.

    :param heatmaps: (N, h, w) float16, competing.
    :param features: (D, h', w') float16.
    :param cells: (D, :data:`_CELLS_PER_FRAME`) float32 columns of the features.
    """

    heatmaps: Tensor
    features: Tensor
    cells: Tensor

    def save(self, path: Path) -> None:
        """Write it aside, then in place."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".aside")
        torch.save(self.__dict__, aside)
        os.replace(aside, path)


def _evidence(
    model: HeatmapModel, samples: Sequence[Sample], config: Config, partial: Path
) -> Iterator[tuple[Sample, Evidence]]:
    """
    First the frames that teach the clusters, whose features are kept until then; then the others.

    :param partial: what an earlier run has left.
    """
    every = -(-len(samples) // _CLUSTER_FRAMES)
    rng = np.random.default_rng(config.seed)
    kept, cells = [], []
    for sample, image in _images(samples[::every], config, "heatmaps, clusters"):
        path = partial / "begun" / f"{sample.key}.pt"
        teacher = _teach(model, sample, image, rng, path)
        kept.append((sample, path))
        cells.append(teacher.cells.T)
    if not cells:
        return
    clusters = Clusters(torch.cat(cells), count=heatmap_settings(config).clusters, seed=config.seed)
    for sample, path in kept:
        teacher = _Teacher(**torch.load(path, weights_only=True))
        yield sample, _alike(model, teacher.heatmaps.float(), clusters, teacher.features.float())
    others = [sample for index, sample in enumerate(samples) if index % every]
    for sample, image in _images(others, config, "heatmaps"):
        done = evidence_file(partial, sample)
        if done.is_file():
            yield sample, Evidence.load(done)
            continue
        heat, features = model(image)
        yield sample, _alike(model, compete(heat, torch.from_numpy(sample.tags)), clusters, features)


def _alike(model: HeatmapModel, heatmaps: Tensor, clusters: Clusters, features: Tensor) -> Evidence:
    ids = clusters.assign(features)
    return Evidence(
        heatmaps, look_up(ids, stride=model.feature_stride, size=(heatmaps.shape[1], heatmaps.shape[2]), pixel=STRIDE)
    )


def _teach(model: HeatmapModel, sample: Sample, image: np.ndarray, rng: np.random.Generator, path: Path) -> _Teacher:
    """Compute a teacher, or take it; the cells are drawn in any case, so that the next frame's are the same."""
    if path.is_file():
        teacher = _Teacher(**torch.load(path, weights_only=True))
        rng.integers(0, teacher.features[0].numel(), _CELLS_PER_FRAME)
        return teacher
    heat, features = model(image)
    flat = features.flatten(1)
    drawn = flat[:, rng.integers(0, flat.shape[1], _CELLS_PER_FRAME)].clone()
    teacher = _Teacher(compete(heat, torch.from_numpy(sample.tags)).half(), features.half(), drawn)
    teacher.save(path)
    return teacher


def _images(samples: Sequence[Sample], config: Config, task: str) -> Iterator[tuple[Sample, np.ndarray]]:
    for sample in tqdm(samples, desc=task, unit="frame", disable=not samples):
        try:
            image = sample.load_image()
        except WsvsError as error:
            if config.data.on_error == "stop":
                raise
            _LOG.warning("left out: %s", error)
            continue
        yield sample, image


def heatmaps_name(config: Config, without: Set[str] = frozenset()) -> str:
    settings = {
        "labels": True,
        "working_size": True,
        "seed": True,
        "data": {"root", "weights", "images", "drives", "datasets"},
    }
    return cache_name(config, {**settings, "heatmaps": set(Heatmaps.model_fields) - without})


def evidence_file(heatmaps: Path, sample: Sample) -> Path:
    return heatmaps / f"{sample.key}.npz"
