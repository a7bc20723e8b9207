"""Which shots the network is fine-tuned with: those that it and their motion segments agree on (MC 3.3)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.datasets import Sample
from training.datasets.training_set import WholeFrames
from training.networks.marks import FOREGROUND
from training.networks.module import WeaklySupervised
from wsvs_ros.errors import WsvsError

_LOG = logging.getLogger(__name__)


@torch.no_grad()
def best_shots(module: WeaklySupervised, samples: Sequence[Sample], masks: Path, *, least: float) -> list[Sample]:
    """
    The samples of each recording's best shot.

    A network that has learnt to tell the objects agrees most with motion segments that are precise. One shot of each
    recording leaves near duplicates out.

    :param module: the network as it is so far.
    :param masks: motion segments, see :func:`training.cues.motion.masks.make_motion_masks`.
    :param least: the mean overlap (IoU) of a shot's frames that makes it reliable.
    :raises WsvsError: if no shot is.
    """
    moving = [sample for sample in samples if sample.shot is not None]
    overlaps: defaultdict[str, list[float]] = defaultdict(list)
    frames = WholeFrames(moving, masks, length=module.config.window.length)
    module.eval()
    for sample, frame in tqdm(
        zip(moving, map(frames.__getitem__, range(len(moving))), strict=True),
        total=len(moving),
        desc="overlaps",
        unit="frame",
    ):
        assert sample.shot is not None
        scores = module.network(frame["image"][None], frame["flow"][None])[0]
        seen = scores.masked_fill(~frame["tags"][:, None, None], -torch.inf).argmax(0)
        is_object = torch.isin(seen, torch.tensor(module.foreground))
        overlaps[sample.shot.name].append(_iou(is_object, frame["labels"] == FOREGROUND))
    best: dict[str, tuple[float, str]] = {}
    for sample in moving:
        assert sample.shot is not None
        overlap = float(np.mean(overlaps[sample.shot.name]))
        if overlap >= least:
            best[sample.shot.video] = max(best.get(sample.shot.video, (0.0, "")), (overlap, sample.shot.name))
    chosen = {name for _, name in best.values()}
    _LOG.info("fine-tuning with %d of %d shots: %s", len(chosen), len(overlaps), ", ".join(sorted(chosen)))
    if not chosen:
        raise WsvsError(
            f"motion.fine_tune: in none of {len(overlaps)} shots does what the network sees overlap with the motion "
            f"segments by {least:g}; train for more optimiser.steps, or lower motion.fine_tune.overlap"
        )
    return [sample for sample in moving if sample.shot is not None and sample.shot.name in chosen]


def _iou(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one & other).sum() / (one | other).sum().clamp(min=1))
