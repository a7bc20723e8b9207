"""Heatmaps and binary masks of all samples (BF 3.1).

Both are cached in the work directory under names that tell their settings, so that a later run takes them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.config import Config, load_config
from training.cues.heatmap.evidence import Evidence, evidence_file, heatmap_settings, heatmaps_name, make_heatmaps
from training.cues.heatmap.heatmaps import (
    agree,
    binary_masks,
    cluster_votes,
    object_labels,
)
from training.datasets import Sample
from training.running.command_line import command_parser, run_command, work_folder
from training.running.pictures import heatmap_sheet, write_picture
from training.running.stages import load_samples
from training.running.work_directory import locked
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


def show(config: Config, samples: Sequence[Sample], work: Path, pictures: Path, *, frames: int) -> int:
    """
    Draw evenly spread samples with their masks and the heatmap of each tagged class.

    :param pictures: folder for a PNG a sample.
    :return: how many were drawn.
    """
    masks, heatmaps = make_masks(config, samples, work), make_heatmaps(config, samples, work)
    readable = [sample for sample in samples if evidence_file(heatmaps, sample).is_file()]
    chosen = np.unique(np.linspace(0, len(readable) - 1, min(frames, len(readable))).round().astype(int))
    label_set = LabelSet.load(config.labels)
    for sample in (readable[index] for index in chosen):
        labels = np.load(masks / f"{sample.key}.npy")
        found = Evidence.load(evidence_file(heatmaps, sample)).heatmaps.numpy()
        sheet = heatmap_sheet(sample.load_image(), labels, found, sample.tags, label_set)
        write_picture(pictures / f"{sample.key}.png", sheet)
    return len(chosen)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command_parser("cues.heatmap.masks", __doc__)
    parser.add_argument("--show", type=Path, metavar="DIR", help="draw heatmaps and masks of some frames into DIR")
    parser.add_argument("--frames", type=int, default=20, help="how many frames --show draws (default: 20)")
    args = parser.parse_intermixed_args(argv)  # overrides may stand after options

    def job() -> str:
        config = load_config(args.config, args.overrides)
        work = work_folder(args, config)
        with locked(work):
            samples = load_samples(config, work)
            masks = make_masks(config, samples, work)
            drawn = show(config, samples, work, args.show, frames=args.frames) if args.show else 0
        return f"masks: {masks}" + (f"\n{drawn} pictures: {args.show}" if drawn else "")

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
