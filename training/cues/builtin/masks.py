"""Built-in masks of all samples (BP 3.1): what the cues builtin, cam and multi_class learn from.

A run that was interrupted goes on with the samples that are missing. All cores are used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.config import Config
from training.cues.builtin.cam import LocalisationNet, class_activation_maps
from training.cues.builtin.localisation import classifier_layers, learn_localisation, load_network
from training.cues.builtin.priors import class_labels, foreground_labels, foreground_probability, multi_class_maps
from training.datasets import Sample
from training.networks.backbones import Backbone
from training.running.processes import Job, run_jobs
from training.running.work_directory import cache_name
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


@dataclass(frozen=True)
class BuiltinMasks:
    """
    Makes the masks of one image after the other.

    :param classifier: what fires at objects.
    :param localisation: where each class is; None for cue builtin, which asks for none.
    """

    config: Config
    classifier: Backbone
    localisation: LocalisationNet | None

    def __call__(self, image: np.ndarray, tags: np.ndarray) -> np.ndarray:
        """
        :param image: (H, W, 3) uint8 RGB.
        :param tags: (N,) bool.
        :return: (H / 2, W / 2) uint8, class ids and the marks of :mod:`training.networks.marks`.
        """
        settings = self.config.builtin
        crf = settings.crf.settings()
        foreground = foreground_probability(self.classifier, image)
        if self.localisation is None:
            return foreground_labels(foreground, image, crf, regions=settings.regions)
        ids = self.config.foreground_ids(LabelSet.load(self.config.labels))
        shown = [index for index, target in enumerate(ids) if tags[target]]
        cams = class_activation_maps(self.localisation, image, torch.tensor(shown, dtype=torch.long))
        alpha = settings.alpha if self.config.cue == "multi_class" else 0.0
        maps = multi_class_maps(cams, foreground, alpha=alpha, threshold=settings.threshold)
        return class_labels(maps, [ids[index] for index in shown], image, crf, regions=settings.regions)


def build_builtin_masks(config: Config, localisation: Path | None) -> BuiltinMasks:
    """
    :param localisation: file of the localisation network, see
        :func:`training.cues.builtin.localisation.learn_localisation`.
    """
    network = load_network(config, localisation) if localisation else None
    return BuiltinMasks(config, classifier_layers(config), network)


def make_builtin_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Make the masks of all samples, or those that earlier runs have not made.

    :return: the folder; one ``<key>.npy`` a sample, see :class:`BuiltinMasks`. With ``data.on_error: skip`` an
        unreadable sample has none.
    :raises WsvsError: if data or weights cannot be used.
    """
    network = learn_localisation(config, samples, work) if config.cue != "builtin" else None
    include = dict.fromkeys(("labels", "foreground", "working_size", "seed", "cue", "backbone", "builtin"), True)
    name = cache_name(config, {**include, "data": {"root", "weights", "images", "drives", "datasets"}})
    folder = work / "builtin" / name
    jobs = [
        Job(sample.key, (folder / f"{sample.key}.npy", sample.load_image, sample.tags))
        for sample in samples
        if not (folder / f"{sample.key}.npy").is_file()
    ]
    run_jobs(
        _make_mask,
        jobs,
        task=f"{config.cue} masks",
        on_error=config.data.on_error,
        prepare=_prepare,
        prepared=(config, network),
    )
    if not folder.is_dir():
        raise WsvsError("no image could be read; see the messages above")
    return folder


_masks: BuiltinMasks | None = None  # of a process, loaded once


def _prepare(config: Config, localisation: Path | None) -> None:
    global _masks
    _masks = build_builtin_masks(config, localisation)


def _make_mask(path: Path, load_image: Callable[[], np.ndarray], tags: np.ndarray) -> None:
    assert _masks is not None
    labels = _masks(load_image(), tags)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, labels)
    os.replace(partial, path)
