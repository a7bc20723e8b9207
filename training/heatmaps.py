"""Heatmaps and binary masks of all samples (BF 3.1): ``python -m training.heatmaps CONFIG --work DIR --show PICTURES``.

Both are cached in the work directory under names that tell their settings, so that a later run takes them.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from training.backbones import MobileNetV2, read_weights
from training.commands import command_parser, run_command, work_folder
from training.config import Config, load_config
from training.cue_config import Heatmaps
from training.cues.heatmaps import (
    Clusters,
    HeatmapModel,
    agree,
    binary_masks,
    cluster_votes,
    compete,
    object_labels,
)
from training.cues.iconic import learn_iconic_classifiers
from training.datasets import Sample
from training.pictures import heatmap_sheet, write_picture
from training.stages import load_samples
from training.work_directory import cache_name, locked
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet

_CELLS_PER_FRAME = 64  # cells of a frame that the clusters are learnt from
_CLUSTER_FRAMES = 1000  # at most so many frames teach the clusters, to bound the memory
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """
    What is cached of a frame.

    :param heatmaps: (N, h, w) float32, competing: a cell's evidence sums to at most 1.
    :param clusters: (h', w') int64 ids of look-alike cells.
    """

    heatmaps: Tensor
    clusters: Tensor

    def save(self, path: Path) -> None:
        """Write a compressed ``.npz``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {"heatmaps": self.heatmaps.half().numpy(), "clusters": self.clusters.numpy().astype(np.uint16)}
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> Evidence:
        """Read what :meth:`save` wrote."""
        with np.load(path) as arrays:
            return cls(
                torch.from_numpy(arrays["heatmaps"]).float(), torch.from_numpy(arrays["clusters"].astype(np.int64))
            )


def _heatmaps(config: Config) -> Heatmaps:
    """The section, which only another cue does without."""
    if config.heatmaps is None:
        raise WsvsError(f"{config.name}: has no section `heatmaps`, which says what classifies the frame")
    return config.heatmaps


def build_heatmap_model(config: Config) -> HeatmapModel:
    """Learn the iconic classifiers and put the heatmap model together."""
    weights = config.path(_heatmaps(config).weights or config.data.weights)
    trunk = MobileNetV2().eval()
    trunk.load_imagenet(weights)
    tensors = read_weights(weights)
    iconic = _heatmaps(config).iconic
    learnt = iconic and learn_iconic_classifiers(trunk, config.path(iconic.folder), iconic, seed=config.seed)
    return HeatmapModel(
        label_set=LabelSet.load(config.labels),
        trunk=trunk,
        head=(tensors["classifier.1.weight"], tensors["classifier.1.bias"]),
        foreground=_heatmaps(config).foreground,
        iconic=learnt,
        iconic_classes=iconic.classes if iconic else {},
        scales=_heatmaps(config).scales,
        weights=_heatmaps(config).objects,
    )


def make_heatmaps(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Compute heatmaps and clusters of all samples, or take those of an earlier run.

    :return: the folder; one ``<key>.npz`` a sample, see :class:`Evidence`. With ``data.on_error: skip`` an
        unreadable sample has none.
    :raises WsvsError: if data or weights cannot be used.
    """
    folder = work / "heatmaps" / _name(config, without={"threshold", "certain"})
    if folder.is_dir():
        return folder
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model = build_heatmap_model(config)
    found = _evidence(model, samples, config)
    for sample, evidence in found:
        evidence.save(_file(partial, sample))
    if not partial.is_dir():
        raise WsvsError("no image could be read; see the messages above")
    os.replace(partial, folder)
    return folder


def _evidence(model: HeatmapModel, samples: Sequence[Sample], config: Config) -> Iterator[tuple[Sample, Evidence]]:
    """First the frames that teach the clusters, whose features are kept until then; then the others."""
    every = -(-len(samples) // _CLUSTER_FRAMES)
    rng = np.random.default_rng(config.seed)
    kept, cells = [], []
    for sample, image in _images(samples[::every], config, "heatmaps, clusters"):
        heat, features = model(image)
        kept.append((sample, compete(heat, torch.from_numpy(sample.tags)).half(), features.half()))
        flat = features.flatten(1)
        cells.append(flat[:, rng.integers(0, flat.shape[1], _CELLS_PER_FRAME)].T)
    if not cells:
        return
    clusters = Clusters(torch.cat(cells), count=_heatmaps(config).clusters, seed=config.seed)
    for sample, competing, features in kept:
        yield sample, Evidence(competing.float(), clusters.assign(features.float()))
    del kept
    others = [sample for index, sample in enumerate(samples) if index % every]
    for sample, image in _images(others, config, "heatmaps"):
        heat, features = model(image)
        yield sample, Evidence(compete(heat, torch.from_numpy(sample.tags)), clusters.assign(features))


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


def make_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Make the binary masks B_k of all samples, or take those of an earlier run.

    :return: the folder; one ``<key>.npy`` a sample, (h, w) uint8: the class whose mask holds the cell, 255 for none.
    """
    folder = work / "masks" / _name(config)
    if folder.is_dir():
        return folder
    heatmaps = make_heatmaps(config, samples, work)
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    label_set = LabelSet.load(config.labels)
    objects = [label_set.id_of(name) for name in _heatmaps(config).objects]
    readable = [sample for sample in samples if _file(heatmaps, sample).is_file()]
    evidence = (Evidence.load(_file(heatmaps, sample)) for sample in readable)
    voters = ((found.clusters, found.heatmaps) for found in evidence)
    votes = cluster_votes(voters, clusters=_heatmaps(config).clusters, classes=len(label_set))
    votes[:, objects] = 0
    for sample in tqdm(readable, desc="masks", unit="frame"):
        found, tags = Evidence.load(_file(heatmaps, sample)), torch.from_numpy(sample.tags)
        agreed = agree(votes, found.clusters, found.heatmaps)
        masks = binary_masks(agreed, tags, threshold=_heatmaps(config).threshold)
        labels = torch.where(masks.any(0), masks.int().argmax(0), 255).to(torch.uint8)
        labels = object_labels(labels, found.heatmaps, objects, certain=_heatmaps(config).certain)
        path = partial / f"{sample.key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, labels.numpy())
    os.replace(partial, folder)
    return folder


def _name(config: Config, without: Set[str] = frozenset()) -> str:
    settings = {
        "labels": True,
        "working_size": True,
        "seed": True,
        "data": {"root", "weights", "images", "drives", "datasets"},
    }
    return cache_name(config, {**settings, "heatmaps": set(Heatmaps.model_fields) - without})


def _file(heatmaps: Path, sample: Sample) -> Path:
    return heatmaps / f"{sample.key}.npz"


def show(config: Config, samples: Sequence[Sample], work: Path, pictures: Path, *, frames: int) -> int:
    """
    Draw evenly spread samples with their masks and the heatmap of each tagged class.

    :param pictures: folder for a PNG a sample.
    :return: how many were drawn.
    """
    masks, heatmaps = make_masks(config, samples, work), make_heatmaps(config, samples, work)
    readable = [sample for sample in samples if _file(heatmaps, sample).is_file()]
    chosen = np.unique(np.linspace(0, len(readable) - 1, min(frames, len(readable))).round().astype(int))
    label_set = LabelSet.load(config.labels)
    for sample in (readable[index] for index in chosen):
        labels = np.load(masks / f"{sample.key}.npy")
        found = Evidence.load(_file(heatmaps, sample)).heatmaps.numpy()
        sheet = heatmap_sheet(sample.load_image(), labels, found, sample.tags, label_set)
        write_picture(pictures / f"{sample.key}.png", sheet)
    return len(chosen)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command_parser("heatmaps", __doc__)
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
