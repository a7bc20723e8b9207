"""The stages around training, cached in the work directory: samples (with flow), heatmaps, masks, pseudo-labels."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.backbones import MobileNetV2, read_weights
from training.config import Config
from training.cues.heatmaps import Agreement, HeatmapModel, binary_masks, compete
from training.cues.iconic import learn_iconic_classifiers
from training.cues.pseudo_labels import pseudo_labels
from training.datasets import Sample, tagged_drives, tagged_images
from training.module import load_checkpoint
from training.network import STRIDE
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.labels import LabelSet

_CELLS_PER_FRAME = 64  # cells of each frame that the clusters are learnt from


def load_samples(config: Config, work: Path) -> list[Sample]:
    """
    All samples of a configuration; drives are decoded and their flow computed on first use.

    :param work: work directory; caches lie in ``work/drives``.
    """
    label_set = LabelSet.load(config.labels)
    samples: list[Sample] = []
    for images in config.data.images:
        folder, tags = config.path(images.images), config.path(images.tags)
        samples += tagged_images(folder, tags, label_set, config.working_size)
    for drives in config.data.drives:
        samples += tagged_drives(
            config.path(drives.tags),
            label_set,
            cache=work / "drives",
            size=config.working_size,
            flow=FlowSettings(config.flow.algorithm, config.flow.preset),
            device=config.flow.device,
            window=(config.window.length, config.window.lookahead),
            step=drives.step,
            fps=drives.fps,
            ignore=drives.ignore,
        )
    if not samples:
        raise WsvsError("the configuration names no data: give data.images or data.drives")
    return samples


def build_heatmap_model(config: Config) -> HeatmapModel:
    """Learn the iconic classifiers and put the heatmap model together."""
    weights = config.path(config.heatmaps.weights or config.data.weights)
    trunk = MobileNetV2().eval()
    trunk.load_imagenet(weights)
    tensors = read_weights(weights)
    iconic = config.heatmaps.iconic
    return HeatmapModel(
        label_set=LabelSet.load(config.labels),
        trunk=trunk,
        head=(tensors["classifier.1.weight"], tensors["classifier.1.bias"]),
        foreground=config.heatmaps.foreground,
        iconic=learn_iconic_classifiers(trunk, config.path(iconic.folder), iconic, seed=config.seed),
        iconic_classes=iconic.classes,
        scales=config.heatmaps.scales,
    )


def masks_folder(config: Config, work: Path) -> Path:
    """Where the masks of this very configuration lie: another choice of data or heatmaps has another folder."""
    settings = config.model_dump_json(include={"labels", "working_size", "data", "heatmaps", "seed"})
    return work / "masks" / hashlib.sha256(settings.encode()).hexdigest()[:12]


def make_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Compute the binary masks B_k of all samples, or take those of an earlier run.

    :return: the folder; one ``<key>.npy`` a sample, (h, w) uint8: the class whose mask holds the cell, 255 for none.
    """
    folder = masks_folder(config, work)
    if folder.is_dir():
        return folder
    model = build_heatmap_model(config)
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    rng = np.random.default_rng(config.seed)
    heatmaps, features, cells = [], [], []
    for sample in tqdm(samples, desc="heatmaps", unit="frame"):
        heat, found = model(sample.load_image())
        heatmaps.append(compete(heat, torch.from_numpy(sample.tags)).half())
        features.append(found.half())
        flat = found.flatten(1)
        cells.append(flat[:, rng.integers(0, flat.shape[1], _CELLS_PER_FRAME)].T)
    agreement = Agreement(torch.cat(cells), clusters=config.heatmaps.clusters, seed=config.seed)
    assigned = [agreement.assign(found.float()) for found in tqdm(features, desc="agreement", unit="frame")]
    agreement.vote(zip(assigned, heatmaps, strict=True), len(model.label_set))
    frames = tqdm(samples, desc="masks", unit="frame")
    for sample, clusters, heat in zip(frames, assigned, heatmaps, strict=True):
        tags = torch.from_numpy(sample.tags)
        agreed = agreement.apply(clusters, heat.float(), tags)
        masks = binary_masks(agreed, tags, threshold=config.heatmaps.threshold)
        _save(partial / f"{sample.key}.npy", masks)
    os.replace(partial, folder)
    return folder


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
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    width, height = config.working_size
    still = np.zeros((2 * config.window.length, height, width), np.float32)
    for sample in tqdm(samples, desc="pseudo-labels", unit="frame"):
        labels = pseudo_labels(
            network,
            sample.load_image(),
            still if sample.load_flow is None else sample.load_flow(),
            sample.tags,
            grid=(-(-height // STRIDE), -(-width // STRIDE)),
            scales=config.self_training.scales,
            crf=CrfSettings(**config.self_training.crf.model_dump()),
            confidence=config.self_training.confidence,
        )
        _save_labels(partial / f"{sample.key}.npy", labels)
    os.replace(partial, folder)
    return folder


def _save(path: Path, masks: torch.Tensor) -> None:
    labels = np.where(masks.any(0).numpy(), masks.int().argmax(0).numpy(), 255).astype(np.uint8)
    _save_labels(path, labels)


def _save_labels(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, labels)
