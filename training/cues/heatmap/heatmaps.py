"""Classifier heatmaps of foreground and background classes, and their binary masks (BF 3.1, 3.2.1).

Foreground maps come from the 1000-class classifier turned fully convolutional, background and person
maps from one-vs-all classifiers fine-tuned on iconic images. Both are dense: the trunk runs on the
enlarged frame and each feature cell is classified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.cues.heatmap.iconic import IconicClassifiers, trunk_features
from training.networks.backbones import MobileNetV2
from training.networks.grids import cells, lay_over
from training.networks.two_stream import STRIDE
from wsvs_ros.perception.labels import LabelSet

_TRUNK_STRIDE = 32
_DOUBT = 0.05  # evidence below this, over all classes, is no evidence


@dataclass(frozen=True)
class HeatmapModel:
    """
    What turns a frame into class heatmaps.

    :param trunk: the whole classifier trunk, 1280 channels at stride 32.
    :param head: (weight (1000, 1280), bias (1000,)) of the 1000-class classifier.
    :param foreground: label class -> ILSVRC indices.
    :param iconic: one-vs-all classifiers; None leaves the maps to the 1000-class classifier.
    :param iconic_classes: iconic class -> label class, None for mere negatives.
    :param scales: enlargements at which the trunk sees the frame; maps are averaged.
    :param weights: label class -> what its evidence is multiplied with; 1 by default.
    """

    label_set: LabelSet
    trunk: MobileNetV2
    head: tuple[Tensor, Tensor]
    foreground: Mapping[str, tuple[int, ...]]
    iconic: IconicClassifiers | None
    iconic_classes: Mapping[str, str | None]
    scales: tuple[float, ...]
    weights: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, image: np.ndarray) -> tuple[Tensor, Tensor]:
        """
        :param image: (H, W, 3) uint8 RGB.
        :return: heatmaps (N, h, w) float32 in [0, 1] on the grid of the network's scores, and the features
            (D, h', w') of the first scale, whose cells are :attr:`feature_stride` pixels.
        """
        grid = (cells(image.shape[0], STRIDE), cells(image.shape[1], STRIDE))
        features = [self._features(image, scale) for scale in self.scales]
        maps = [self.classify(found.permute(1, 2, 0)).permute(2, 0, 1) for found in features]
        laid = [
            lay_over(heat, stride=_TRUNK_STRIDE / scale, size=grid, pixel=STRIDE)
            for heat, scale in zip(maps, self.scales, strict=True)
        ]
        return torch.stack(laid).mean(0), features[0]

    @property
    def feature_stride(self) -> float:
        """Pixels of the image to a cell of the features that are returned."""
        return feature_stride(self.scales)

    def _features(self, image: np.ndarray, scale: float) -> Tensor:
        """
        The trunk's last features of the enlarged image, a cell in the middle of its pixels.

        The trunk's own cells lie at the last of their pixels: the image is begun half a cell earlier, mirrored.
        """
        height, width = (round(side * scale) for side in image.shape[:2])
        enlarged = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        half = _TRUNK_STRIDE // 2
        framed = cv2.copyMakeBorder(enlarged, half, half, half, half, cv2.BORDER_REFLECT_101)
        found = trunk_features(self.trunk, framed[None])[0]
        return found[:, : cells(height, _TRUNK_STRIDE), : cells(width, _TRUNK_STRIDE)]

    def classify(self, features: Tensor) -> Tensor:
        """(..., D) features -> (..., N): foreground by softmax mass, background and persons one against all."""
        out = features.new_zeros(*features.shape[:-1], len(self.label_set))
        softmax = F.linear(features, *self.head).softmax(-1)
        for name, indices in self.foreground.items():
            out[..., self.label_set.id_of(name)] = softmax[..., list(indices)].sum(-1)
        if self.iconic is not None:
            sigmoid = self.iconic.probabilities(features)
            for index, iconic in enumerate(self.iconic.names):
                name = self.iconic_classes[iconic]
                if name is not None:
                    target = self.label_set.id_of(name)
                    out[..., target] = torch.maximum(out[..., target], sigmoid[..., index])
        for name, weight in self.weights.items():
            target = self.label_set.id_of(name)
            out[..., target] = (out[..., target] * weight).clamp(max=1)
        return out


def feature_stride(scales: Sequence[float]) -> float:
    """Pixels of the image to a cell of the first scale's features."""
    return _TRUNK_STRIDE / scales[0]


def compete(heatmaps: Tensor, tags: Tensor) -> Tensor:
    """
    Let the tagged classes of an image compete for each cell.

    :param heatmaps: (N, h, w) in [0, 1].
    :param tags: (N,) bool.
    :return: (N, h, w), summing to at most 1 over the classes; zero for classes without a tag.
    """
    tagged = heatmaps * tags[:, None, None]
    return tagged / (tagged.sum(0) + _DOUBT)


def binary_masks(heatmaps: Tensor, tags: Tensor, *, threshold: float) -> Tensor:
    """
    The masks B_k: where a tagged class exceeds a share of its maximum and no other class is likelier (BF 3.2.1).

    :param heatmaps: (N, h, w), non-negative.
    :param tags: (N,) bool.
    :param threshold: share of each map's maximum; BF sets 0.2.
    :return: (N, h, w) bool, disjoint.
    """
    tagged = heatmaps * tags[:, None, None]
    peak = tagged.amax((1, 2), keepdim=True)
    winner = F.one_hot(tagged.argmax(0), len(tags)).permute(2, 0, 1).bool()
    return winner & (tagged >= threshold * peak) & (tagged > 0)


def object_labels(labels: Tensor, heatmaps: Tensor, objects: Sequence[int], *, certain: float) -> Tensor:
    """
    Put objects into a label map: cells where one has the greatest share of the evidence, and a large one.

    :param labels: (h, w) class ids of what is no object.
    :param heatmaps: (N, h, w) competing heatmaps, see :func:`compete`.
    :param objects: class ids.
    :param certain: the least share.
    :return: (h, w), with the objects.
    """
    share, winner = heatmaps.max(0)
    is_object = torch.isin(winner, torch.tensor(objects, dtype=winner.dtype)) & (share >= certain)
    return torch.where(is_object, winner.to(labels.dtype), labels)


class Clusters:
    """
    Look-alike cells of all training frames, by k-means of their features.

    A single cell's classification is noisy, but the frames share their surfaces: the asphalt of one is the
    asphalt of all. So the cells of a cluster vote on its class, see :func:`cluster_votes`.

    :param features: (M, D) a sample of all frames' feature cells.
    :param count: number of clusters.
    """

    def __init__(self, features: Tensor, *, count: int, seed: int, dimensions: int = 64) -> None:
        from sklearn.cluster import MiniBatchKMeans

        self._mean, self._std = features.mean(0), features.std(0) + 0.05
        unit = F.normalize((features - self._mean) / self._std, dim=-1)
        self._centre = unit.mean(0)
        generator_state = torch.get_rng_state()
        torch.manual_seed(seed)
        self._basis = torch.pca_lowrank(unit - self._centre, min(dimensions, *unit.shape), center=False)[2]
        torch.set_rng_state(generator_state)
        means = MiniBatchKMeans(count, n_init=3, batch_size=4096, random_state=seed)
        self._kmeans = means.fit(self._project(features).numpy())

    def assign(self, features: Tensor) -> Tensor:
        """(D, h, w) features -> (h, w) int64 cluster ids."""
        cells = self._project(features.flatten(1).T).numpy()
        return torch.from_numpy(self._kmeans.predict(cells)).long().view(features.shape[1:])

    def _project(self, features: Tensor) -> Tensor:
        unit = F.normalize((features - self._mean) / self._std, dim=-1)
        return F.normalize((unit - self._centre) @ self._basis, dim=-1)


def cluster_votes(frames: Iterable[tuple[Tensor, Tensor]], *, clusters: int, classes: int) -> Tensor:
    """
    Let the cells of each cluster vote.

    :param frames: pairs of (h, w) cluster ids and (N, h, w) competing heatmaps.
    :return: (clusters, N) mean evidence.
    """
    sums, counts = torch.zeros(clusters, classes), torch.zeros(clusters)
    for ids, heatmaps in frames:
        flat = ids.flatten()
        sums.index_add_(0, flat, heatmaps.flatten(1).T)
        counts += torch.bincount(flat, minlength=clusters)
    return sums / counts.clamp(min=1)[:, None]


def agree(votes: Tensor, clusters: Tensor, heatmaps: Tensor) -> Tensor:
    """
    The heatmaps that cluster and cell agree on: vote times the cell's own evidence, softened.

    :param votes: see :func:`cluster_votes`.
    :param clusters: (h, w) the frame's cluster ids.
    :param heatmaps: (N, h, w) competing heatmaps.
    :return: (N, h, w).
    """
    return votes[clusters].permute(2, 0, 1) * heatmaps.sqrt()
