"""Train a network from tags: ``python -m training.fit training/configs/light.yaml data.root=DIR``."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from training.config import Config, load_config
from training.cues.registry import cue_of
from training.datasets import Sample
from training.running.command_line import command_parser, run_command, work_folder
from training.running.learnt_from import claim_learning, learnt_from, with_masks
from training.running.stages import load_samples, make_pseudo_labels
from training.running.train import steps_of, train
from training.running.work_directory import claim_work_directory, locked, set_aside
from wsvs_ros.errors import WsvsError

_LOG = logging.getLogger(__name__)


def fit(
    config: Config, work: Path, *, resume: Path | None = None, caches: Path | None = None, anew: bool = False
) -> Path:
    """
    Run all stages: samples with flow, the masks of their cue, teachers and their pseudo-labels, training.

    What an earlier run has finished is taken from the work directory, and what it has begun goes on.

    :param work: work directory; holds caches, the configuration, logs and checkpoints.
    :param resume: a checkpoint of the same configuration to go on from, other than the work directory's own.
    :param caches: holds the caches instead, so that several trainings share them.
    :param anew: move a training that has begun in the work directory to a folder of its own, and begin another.
    :return: the last checkpoint.
    :raises WsvsError: if data, weights or checkpoint cannot be used, or the work directory is another
        configuration's or that of a training which learnt from other data.
    :raises KeyboardInterrupt: when a signal stopped it; its text says how to go on.
    """
    cue_of(config).check(config)
    if config.threads:
        torch.set_num_threads(config.threads)
    if resume is not None:
        steps_of(resume)
    masks: Path | None = None
    caches = caches or work
    with locked(caches):
        if anew:
            _begin_anew(work)
        claim_work_directory(config, work)
        samples = load_samples(config, caches)
        if config.cue_weight or config.self_training.rounds:
            masks = cue_of(config).make_masks(config, samples, caches)
        if masks is not None:
            samples = with_masks(samples, masks)
        claim_learning(work, learnt_from(config, samples, masks, caches))
    for number in range(config.self_training.rounds):
        # a teacher belongs to the masks that it learns from
        name = f"{number}-{masks.name if masks else config.cue}"
        teacher = _learn(config, samples, masks, work / "teachers" / name)
        with locked(caches):
            masks = make_pseudo_labels(config, samples, teacher, work)
        config = config.model_copy(update={"cue": "heatmap"})  # pseudo-labels are learnt from as heatmaps' masks are
    return _learn(config, samples, masks, work, resume=resume)


def _begin_anew(work: Path) -> None:
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise WsvsError(
            "--anew: not for several processes, of which each would move what the others begin; call it once alone"
        )
    place = set_aside(work)
    if place is not None:
        _LOG.info("%s: its training is in %s now", work, place)


def _learn(
    config: Config, samples: Sequence[Sample], masks: Path | None, folder: Path, *, resume: Path | None = None
) -> Path:
    """Train, and where the cue asks for it once more, with what the first training has shown to be worth it."""
    cue = cue_of(config)
    learn = partial(train, loss=partial(cue.loss, config), by_shot=cue.by_shot)
    fine = cue.fine_tuning(config)
    if fine is None:
        return learn(config, samples, masks, folder, resume=resume)
    assert masks is not None
    coarse = learn(config, samples, masks, folder / "coarse")
    best = cue.worth_more(config, samples, masks, coarse)
    return learn(fine, best, masks, folder, loss=partial(cue.loss, fine), resume=resume, start=coarse)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command_parser("fit", __doc__)
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from, other than the work directory's own")
    parser.add_argument(
        "--anew", action="store_true", help="move an earlier training to WORK/earlier and begin anew, with its caches"
    )
    args = parser.parse_intermixed_args(argv)  # overrides may stand after options

    def job() -> str:
        config = load_config(args.config, args.overrides)
        last = fit(config, work_folder(args, config), resume=args.resume, anew=args.anew)
        return f"trained {config.optimiser.steps} steps; checkpoint: {last}"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
