"""Built-in masks of all samples (BP 3.1): what the cues builtin, cam and multi_class learn from.

A run that was interrupted goes on with the samples that are missing. All cores are used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.caches import Cache, contents_in, digest, save_array
from training.config import Config
from training.cues.builtin.cam import LocalisationNet, class_activation_maps
from training.cues.builtin.localisation import classifier_layers, learn_localisation, load_network
from training.cues.builtin.priors import class_labels, foreground_labels, foreground_probability, multi_class_maps
from training.datasets import Sample
from training.networks.backbones import Backbone, weights_file
from training.running.processes import Job, run_jobs
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
    with contents_in(work) as contents:
        common = {"weights": contents.of(weights_file(config.path(config.data.weights)))}
    if network is not None:
        common["localisation network"] = network.stem
    label_set = LabelSet.load(config.labels)
    masks = config.builtin.model_dump_json(exclude={"localisation"})
    common["settings"] = digest(config.cue, config.backbone, masks, label_set.names, config.foreground_ids(label_set))
    # what the masks of objects all alike show does not ask for tags
    asks = config.cue != "builtin"
    wanted = {
        sample.key: {"image": sample.content, **common, **({"tags": digest(sample.tags.tolist())} if asks else {})}
        for sample in samples
    }
    cache = Cache(work / "builtin", f"{config.cue} masks")
    lacking = set(cache.lacking(wanted))
    left_out = run_jobs(
        _make_mask,
        [
            Job(sample.key, (cache.path(sample.key, wanted[sample.key]), sample.load_image, sample.tags))
            for sample in samples
            if sample.key in lacking
        ],
        task=f"{config.cue} masks",
        on_error=config.data.on_error,
        prepare=_prepare,
        prepared=(config, network),
    )
    if len(left_out) == len(samples):
        raise WsvsError("no image could be read; see the messages above")
    return cache.gather(wanted, work / "masks", dict.fromkeys(left_out, "its image cannot be read"))


_masks: BuiltinMasks | None = None  # of a process, loaded once


def _prepare(config: Config, localisation: Path | None) -> None:
    global _masks
    _masks = build_builtin_masks(config, localisation)


def _make_mask(path: Path, load_image: Callable[[], np.ndarray], tags: np.ndarray) -> None:
    assert _masks is not None
    save_array(path, _masks(load_image(), tags))
