"""The stages around training that the work directory keeps: samples with their flow, and pseudo-labels."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.config import Config
from training.datasets import Sample, dataset_samples, open_dataset, tagged_drives, tagged_images
from training.networks.module import load_checkpoint
from training.running.pseudo_labels import pseudo_labels
from wsvs_ros.drives.tags import load_clip_tags, parse_clip_tags
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


def load_samples(config: Config, work: Path) -> list[Sample]:
    """
    All samples of a configuration; drives are decoded and their flow computed on first use.

    :param work: work directory; caches lie in ``work/drives``.
    """
    label_set = LabelSet.load(config.labels)
    samples: list[Sample] = []
    for images in config.data.images:
        folder, tags = config.path(images.images), config.path(images.tags)
        samples += tagged_images(folder, tags, label_set, config.working_size, on_error=config.data.on_error)
    for drives in config.data.drives:
        if drives.tags is None:
            folder, where = config.path(drives.folder), "data.drives: clips"
            clips = parse_clip_tags(drives.clips, where, label_set, ignore=drives.ignore)
        else:
            folder = config.path(drives.tags).parent
            clips = load_clip_tags(config.path(drives.tags), label_set, ignore=drives.ignore)
        samples += tagged_drives(
            folder,
            clips,
            label_set,
            cache=work / "drives",
            size=config.working_size,
            flow=config.flow.settings(),
            device=config.flow.device,
            window=(config.window.length, config.window.lookahead),
            step=drives.step,
            fps=drives.fps,
            on_error=config.data.on_error,
        )
    for part in config.data.datasets:
        samples += dataset_samples(
            open_dataset(part.name, config.path(part.root), part.split, per_shot=part.per_shot),
            config.path(part.tags),
            label_set,
            cache=work / "drives",
            size=config.working_size,
            flow=config.flow.settings(),
            device=config.flow.device,
            window=(config.window.length, config.window.lookahead),
            motion=part.motion,
            ignore=part.ignore,
            on_error=config.data.on_error,
        )
    if not samples:
        raise WsvsError("the configuration names no data: give data.images, data.drives or data.datasets")
    return samples


def make_pseudo_labels(config: Config, samples: Sequence[Sample], checkpoint: Path, work: Path) -> Path:
    """
    Let a trained network label all samples, or take the labels that it made in an earlier run.

    :param checkpoint: the teacher's.
    :return: the folder, as :func:`make_masks` has it but on the grid of the network's scores.
    """
    settings = config.model_dump_json(include={"self_training": {"scales", "confidence", "crf"}}).encode()
    teacher = hashlib.sha256(checkpoint.read_bytes() + settings).hexdigest()[:12]
    folder = work / "pseudo_labels" / teacher
    if folder.is_dir():
        return folder
    network = load_checkpoint(config, checkpoint).network.eval()
    partial = folder.with_suffix(".partial")  # where an interrupted run has begun, this one goes on
    width, height = config.working_size
    still = np.zeros((2 * config.window.length, height, width), np.float32)
    for sample in tqdm(samples, desc="pseudo-labels", unit="frame"):
        path = partial / f"{sample.key}.npy"
        if path.is_file():
            continue
        labels = pseudo_labels(
            network,
            sample.load_image(),
            still if sample.load_flow is None else sample.load_flow(),
            sample.tags,
            scales=config.self_training.scales,
            crf=config.self_training.crf.settings(),
            confidence=config.self_training.confidence,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".aside.npy")
        np.save(aside, labels)
        os.replace(aside, path)
    os.replace(partial, folder)
    return folder
