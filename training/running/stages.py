"""The stages around training that the work directory keeps: samples with their flow, and pseudo-labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from training.caches import Cache, contents_in, digest, save_array
from training.config import Config
from training.config.data import Drives
from training.datasets import Sample, dataset_samples, open_dataset, tagged_drives, tagged_images
from training.datasets.names import Names
from training.networks.module import load_checkpoint
from training.running.pseudo_labels import pseudo_labels
from wsvs_ros.drives.tags import DriveTags, load_clip_tags, parse_clip_tags
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


def load_samples(config: Config, work: Path) -> list[Sample]:
    """
    All samples of a configuration; drives are decoded and their flow computed on first use.

    :param work: work directory; caches lie in ``work/drives``.
    """
    label_set, names = LabelSet.load(config.labels), Names()
    samples: list[Sample] = []
    with contents_in(work) as contents:
        common: dict[str, Any] = {"contents": contents, "on_error": config.data.on_error}
        for images in config.data.images:
            folder, tags = config.path(images.images), config.path(images.tags)
            samples += tagged_images(folder, tags, label_set, config.working_size, names=names, **common)
        common |= {
            "cache": work / "drives",
            "size": config.working_size,
            "flow": config.flow.settings(),
            "device": config.flow.device,
            "window": (config.window.length, config.window.lookahead),
            "shots": config.whole_shots,
        }
        for drives in config.data.drives:
            folder, clips = _clips(config, drives, label_set)
            samples += tagged_drives(folder, clips, label_set, step=drives.step, fps=drives.fps, names=names, **common)
        for part in config.data.datasets:
            dataset = open_dataset(part.name, config.path(part.root), part.split, per_shot=part.per_shot)
            tags = config.path(part.tags)
            samples += dataset_samples(dataset, tags, label_set, motion=part.motion, ignore=part.ignore, **common)
    if not samples:
        raise WsvsError("the configuration names no data: give data.images, data.drives or data.datasets")
    return samples


def _clips(config: Config, drives: Drives, label_set: LabelSet) -> tuple[Path, dict[str, DriveTags]]:
    """Where the drives lie, and what they show."""
    if drives.tags is None:
        where = "data.drives: clips"
        return config.path(drives.folder), parse_clip_tags(drives.clips, where, label_set, ignore=drives.ignore)
    path = config.path(drives.tags)
    return path.parent, load_clip_tags(path, label_set, ignore=drives.ignore)


def make_pseudo_labels(config: Config, samples: Sequence[Sample], checkpoint: Path, work: Path) -> Path:
    """
    Let a trained network label all samples, or take the labels that it made in an earlier run.

    :param checkpoint: the teacher's.
    :return: the folder, as :func:`make_masks` has it but on the grid of the network's scores.
    """
    settings = digest(config.self_training.model_dump_json(include={"scales", "confidence", "crf"}))
    with contents_in(work) as contents:
        teacher = {"teacher": contents.of(checkpoint), "settings": settings}
    wanted = {
        sample.key: {
            **teacher,
            "image": sample.content,
            "flow": sample.flow_content,
            "tags": digest(sample.tags.tolist()),
        }
        for sample in samples
    }
    cache = Cache(work / "answers", "pseudo-labels")
    lacking = set(cache.lacking(wanted))
    network = load_checkpoint(config, checkpoint).network.eval() if lacking else None
    width, height = config.working_size
    still = np.zeros((2 * config.window.length, height, width), np.float32)
    for sample in tqdm([each for each in samples if each.key in lacking], desc="pseudo-labels", unit="frame"):
        assert network is not None
        labels = pseudo_labels(
            network,
            sample.load_image(),
            still if sample.load_flow is None else sample.load_flow(),
            sample.tags,
            scales=config.self_training.scales,
            crf=config.self_training.crf.settings(),
            confidence=config.self_training.confidence,
        )
        save_array(cache.path(sample.key, wanted[sample.key]), labels)
    return cache.gather(wanted, work / "pseudo_labels", {})
