"""Heatmaps of all samples, and the clusters of look-alike cells in them (BF 3.1).

What a classifier sees in a frame does not ask for its tags, so it is kept without them: with other tags the same
evidence competes anew. An interrupted run goes on with the frames that are missing, and ends with the same bits.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from training.caches import Cache, Ingredients, digest, save_array, written_aside
from training.config import Config
from training.cues.heatmap.classifiers import build_heatmap_model, classifiers_made_of, heatmap_settings
from training.cues.heatmap.heatmaps import Clusters, HeatmapModel, compete, feature_stride
from training.datasets import Sample
from training.networks.grids import look_up
from training.networks.two_stream import STRIDE
from wsvs_ros.errors import WsvsError

_CELLS_PER_FRAME = 64  # cells of a frame that the clusters are learnt from
_CLUSTER_FRAMES = 1000  # at most so many frames teach the clusters, to bound memory and disk
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """
    What speaks for each class in a frame.

    :param heatmaps: (N, h, w) float32, competing: a cell's evidence sums to at most 1.
    :param clusters: (h, w) int64 ids of look-alike cells.
    """

    heatmaps: Tensor
    clusters: Tensor


class Heatmaps:
    """
    The evidence of all samples on disk. :meth:`make` makes what is missing.

    :param work: holds the caches.
    """

    def __init__(self, config: Config, samples: Sequence[Sample], work: Path) -> None:
        self._config, self._work, self._samples = config, work, samples
        self.left_out: dict[str, str] = {}
        """Why samples have none, by key."""
        settings, made_of = heatmap_settings(config), classifiers_made_of(config, work)
        trunk = {"weights": made_of["weights"], "settings": digest(settings.scales[0])}
        iconic = settings.iconic.classes if settings.iconic else {}
        seen = digest(
            config.labels, settings.scales, settings.foreground, settings.objects, iconic, made_of.get("settings")
        )
        self._heatmaps = Cache(work / "heatmaps" / "frames", "heatmaps", ".npz")
        self.made_of = {each.key: {"image": each.content, **made_of, "settings": seen} for each in samples}
        self._features = Cache(work / "heatmaps" / "features", "features that clusters are learnt from", ".npz")
        self._teachers = {each.key: {"image": each.content, **trunk} for each in teachers_of(samples)}
        self._clusters = Cache(work / "heatmaps" / "clusters", "clusters")
        self._clustered: dict[str, Ingredients] = {}

    @cached_property
    def _model(self) -> HeatmapModel:
        return build_heatmap_model(self._config, self._work)

    def make(self) -> None:
        """
        Compute what is missing: first of the frames that teach the clusters, then the clusters, then of the others.

        :raises WsvsError: if data or weights cannot be used, or no image can be read.
        """
        heatmaps = set(self._heatmaps.lacking(self.made_of))
        features = set(self._features.lacking(self._teachers))
        teachers = [each for each in self._samples if each.key in self._teachers]
        self._look(teachers, heatmaps, features, None)
        known = {key: made_of for key, made_of in self._teachers.items() if key not in self.left_out}
        if not known:
            raise WsvsError("no image could be read; see the messages above")
        count, seed = heatmap_settings(self._config).clusters, self._config.seed
        alike = {"other frames": digest(list(known.values())), "settings": digest(count, seed)}
        trunk = next(iter(known.values()))["weights"]
        self._clustered = {
            each.key: {"image": each.content, "weights": trunk, **alike}
            for each in self._samples
            if each.key not in self.left_out
        }
        unassigned = set(self._clusters.lacking(self._clustered))
        clusters = self._learn(known, count, seed) if unassigned else None
        for key in known:
            if clusters is not None and key in unassigned:
                self._assign(key, clusters, self._load_features(key))
        others = [each for each in self._samples if each.key not in self._teachers]
        self._look(others, heatmaps | unassigned, set(), clusters)

    def of(self, sample: Sample) -> Evidence:
        """What is known of a sample that is not left out, for the tags that it has now."""
        with np.load(self._heatmaps.path(sample.key, self.made_of[sample.key])) as arrays:
            heatmaps = torch.from_numpy(arrays["heatmaps"]).float()
        ids = np.load(self._clusters.path(sample.key, self._clustered[sample.key])).astype(np.int64)
        stride = feature_stride(heatmap_settings(self._config).scales)
        clusters = look_up(
            torch.from_numpy(ids), stride=stride, size=(heatmaps.shape[1], heatmaps.shape[2]), pixel=STRIDE
        )
        return Evidence(compete(heatmaps, torch.from_numpy(sample.tags)), clusters)

    def _look(
        self, samples: Sequence[Sample], wanted: set[str], with_features: set[str], clusters: Clusters | None
    ) -> None:
        """Let the classifiers look at frames; keep what is missing of what they see."""
        chosen = [each for each in samples if each.key in wanted | with_features]
        for sample in tqdm(chosen, desc="heatmaps", unit="frame", disable=not chosen):
            key = sample.key
            try:
                image = sample.load_image()
            except WsvsError as error:
                if self._config.data.on_error == "stop":
                    raise
                _LOG.warning("left out: %s", error)
                self.left_out[key] = "its image cannot be read"
                self._clustered.pop(key, None)
                continue
            heatmaps, features = self._model(image)
            if key in with_features:
                with written_aside(self._features.path(key, self._teachers[key])) as aside:
                    np.savez_compressed(aside, features=features.half().numpy())
            if clusters is not None:
                self._assign(key, clusters, features)
            with written_aside(self._heatmaps.path(key, self.made_of[key])) as aside:
                np.savez_compressed(aside, heatmaps=heatmaps.half().numpy())

    def _learn(self, teachers: Iterable[str], count: int, seed: int) -> Clusters:
        rng, cells = np.random.default_rng(seed), []
        for key in tqdm(teachers, desc="clusters", unit="frame"):
            flat = self._load_features(key).flatten(1)
            cells.append(flat[:, rng.integers(0, flat.shape[1], _CELLS_PER_FRAME)].T.clone())
        return Clusters(torch.cat(cells), count=count, seed=seed)

    def _load_features(self, key: str) -> Tensor:
        with np.load(self._features.path(key, self._teachers[key])) as arrays:
            return torch.from_numpy(arrays["features"]).float()

    def _assign(self, key: str, clusters: Clusters, features: Tensor) -> None:
        ids = clusters.assign(features).numpy().astype(np.uint16)
        save_array(self._clusters.path(key, self._clustered[key]), ids)


def teachers_of(samples: Sequence[Sample]) -> list[Sample]:
    """
    The frames that teach the clusters, whose features are kept: all, or as many as :data:`_CLUSTER_FRAMES`.

    They are drawn by their keys, so that with some frames more or less most of them are the same.
    """
    drawn = sorted(samples, key=lambda sample: hashlib.sha256(sample.key.encode()).digest())[:_CLUSTER_FRAMES]
    chosen = {sample.key for sample in drawn}
    return [sample for sample in samples if sample.key in chosen]
