"""Heatmaps and binary masks of all samples (BF 3.1).

Both are cached in the work directory under names that tell their settings, so that a later run takes them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.config import Config
from training.cues.heatmap.evidence import Evidence, evidence_file, heatmap_settings, heatmaps_name, make_heatmaps
from training.cues.heatmap.heatmaps import (
    agree,
    binary_masks,
    cluster_votes,
    object_labels,
)
from training.datasets import Sample
from wsvs_ros.perception.labels import LabelSet


def make_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Make the binary masks B_k of all samples, or take those of an earlier run.

    :return: the folder; one ``<key>.npy`` a sample, (h, w) uint8: the class whose mask holds the cell, 255 for none.
    """
    folder = work / "masks" / heatmaps_name(config)
    if folder.is_dir():
        return folder
    heatmaps = make_heatmaps(config, samples, work)
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    label_set = LabelSet.load(config.labels)
    objects = [label_set.id_of(name) for name in heatmap_settings(config).objects]
    readable = [sample for sample in samples if evidence_file(heatmaps, sample).is_file()]
    evidence = (Evidence.load(evidence_file(heatmaps, sample)) for sample in readable)
    voters = ((found.clusters, found.heatmaps) for found in evidence)
    votes = cluster_votes(voters, clusters=heatmap_settings(config).clusters, classes=len(label_set))
    votes[:, objects] = 0
    for sample in tqdm(readable, desc="masks", unit="frame"):
        found, tags = Evidence.load(evidence_file(heatmaps, sample)), torch.from_numpy(sample.tags)
        agreed = agree(votes, found.clusters, found.heatmaps)
        masks = binary_masks(agreed, tags, threshold=heatmap_settings(config).threshold)
        labels = torch.where(masks.any(0), masks.int().argmax(0), 255).to(torch.uint8)
        labels = object_labels(labels, found.heatmaps, objects, certain=heatmap_settings(config).certain)
        path = partial / f"{sample.key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, labels.numpy())
    os.replace(partial, folder)
    return folder
