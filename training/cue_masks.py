"""The masks of all samples, by the cue that a configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.config import Config
from training.datasets import Sample
from training.heatmaps import make_masks
from training.motion import make_motion_masks


def make_cue_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path | None:
    """
    Make what the cue says of all samples, or take it from an earlier run.

    :param work: holds the caches.
    :return: the folder; one ``<key>.npy`` a sample, (h, w) uint8 on any grid: class ids and the marks of
        :mod:`training.cues.masks`. A sample without a file is left out of training. None for a cue without masks.
    """
    if config.cue == "em_adapt":
        return None  # it lives on the network's own answer
    if config.cue == "motion":
        return make_motion_masks(config, samples, work)
    return make_masks(config, samples, work)
