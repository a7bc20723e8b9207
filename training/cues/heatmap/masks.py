"""The binary masks of all samples (BF 3.1): what heatmaps and the votes of look-alike cells agree on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from training.caches import Cache, digest, save_array
from training.config import Config
from training.cues.heatmap.classifiers import heatmap_settings
from training.cues.heatmap.evidence import Evidence, Heatmaps
from training.cues.heatmap.heatmaps import agree, binary_masks, cluster_votes, object_labels
from training.datasets import Sample
from wsvs_ros.perception.labels import LabelSet


def make_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Make the binary masks B_k of all samples, or take those of an earlier run.

    All frames vote, so the tags of one touch the masks of all; that is quick once the heatmaps are there.

    :return: the folder; one ``<key>.npy`` a sample, (h, w) uint8: the class whose mask holds the cell, 255 for none.
    """
    heatmaps, settings, label_set = (
        Heatmaps(config, samples, work),
        heatmap_settings(config),
        LabelSet.load(config.labels),
    )
    heatmaps.make()
    readable = [sample for sample in samples if sample.key not in heatmaps.left_out]
    # what else the votes follow from is among each sample's own ingredients
    voters = digest([(sample.content, sample.tags.tolist()) for sample in readable], settings.clusters, config.seed)
    choices = digest(settings.threshold, settings.certain)
    wanted = {
        sample.key: {
            **heatmaps.made_of[sample.key],
            "tags": digest(sample.tags.tolist()),
            "votes of all frames": voters,
            "thresholds": choices,
        }
        for sample in samples
    }
    cache = Cache(work / "heatmaps" / "masks", "masks")
    lacking = set(cache.lacking({sample.key: wanted[sample.key] for sample in readable}))
    if lacking:
        votes = _votes(config, readable, heatmaps, label_set)
        for sample in tqdm(readable, desc="masks", unit="frame"):
            if sample.key in lacking:
                labels = _labels(config, heatmaps.of(sample), votes, torch.from_numpy(sample.tags), label_set)
                save_array(cache.path(sample.key, wanted[sample.key]), labels.numpy())
    return cache.gather(wanted, work / "masks", heatmaps.left_out)


def _votes(config: Config, samples: Sequence[Sample], heatmaps: Heatmaps, label_set: LabelSet) -> Tensor:
    settings = heatmap_settings(config)
    evidence = (heatmaps.of(sample) for sample in samples)
    voters = ((found.clusters, found.heatmaps) for found in evidence)
    votes = cluster_votes(voters, clusters=settings.clusters, classes=len(label_set))
    votes[:, [label_set.id_of(name) for name in settings.objects]] = 0
    return votes


def _labels(config: Config, found: Evidence, votes: Tensor, tags: Tensor, label_set: LabelSet) -> Tensor:
    settings = heatmap_settings(config)
    masks = binary_masks(agree(votes, found.clusters, found.heatmaps), tags, threshold=settings.threshold)
    labels = torch.where(masks.any(0), masks.int().argmax(0), 255).to(torch.uint8)
    objects = [label_set.id_of(name) for name in settings.objects]
    return object_labels(labels, found.heatmaps, objects, certain=settings.certain)
