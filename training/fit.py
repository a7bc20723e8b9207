"""Train a network from tags: ``python -m training.fit training/configs/light.yaml data.root=DIR``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from pickle import UnpicklingError

import lightning
import numpy as np
import torch
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, Sampler

from training.config import Config, load_config
from training.datasets import Sample
from training.datasets.training_set import TrainingSet
from training.module import WeaklySupervised
from training.stages import load_samples, make_masks, make_pseudo_labels
from wsvs_ros.errors import WsvsError

CHECKPOINT_EVERY = 250  # steps


class EndlessOrder(Sampler[int]):
    """
    Shuffled positions, epoch after epoch; an order that depends on the seed alone, so that it can be resumed.

    :param first: how many positions to leave out, those that an interrupted run has seen.
    """

    def __init__(self, samples: int, *, count: int, seed: int, first: int = 0) -> None:
        self._samples, self._count, self._seed, self._first = samples, count, seed, first

    def __len__(self) -> int:
        return self._count - self._first

    def __iter__(self) -> Iterator[int]:
        for position in range(self._first, self._count):
            epoch, index = divmod(position, self._samples)
            if index == 0 or position == self._first:
                order = np.random.default_rng((self._seed, epoch)).permutation(self._samples)
            yield epoch * self._samples + int(order[index])


def fit(config: Config, work: Path, *, resume: Path | None = None) -> Path:
    """
    Run all stages: samples with flow, heatmaps and masks, teachers and their pseudo-labels, training.

    What an earlier run has finished is taken from the work directory; a teacher that was interrupted goes on.

    :param work: work directory; holds caches, the configuration, logs and checkpoints.
    :param resume: a checkpoint of the same configuration to go on from.
    :return: the last checkpoint.
    :raises WsvsError: if data, weights or checkpoint cannot be used.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    work.mkdir(parents=True, exist_ok=True)
    seen = _steps_of(resume) if resume else 0
    samples = load_samples(config, work)
    masks = make_masks(config, samples, work)
    settings = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    (work / "config.yaml").write_text(settings, encoding="utf-8")
    for number in range(config.self_training.rounds):
        # a teacher belongs to the masks that it learns from
        folder = work / "teachers" / f"{number}-{masks.name}"
        teacher = _last_checkpoint(folder)
        done = _steps_of(teacher) if teacher.exists() else 0
        if done < config.optimiser.steps:
            teacher = train(config, samples, masks, folder, resume=teacher if done else None, seen=done)
        masks = make_pseudo_labels(config, samples, teacher, work)
    return train(config, samples, masks, work, resume=resume, seen=seen)


def train(
    config: Config, samples: Sequence[Sample], masks: Path, folder: Path, *, resume: Path | None = None, seen: int = 0
) -> Path:
    """
    Train one network.

    :param masks: folder of the masks or pseudo-labels.
    :param folder: for logs and checkpoints.
    :param resume: a checkpoint to go on from, `seen` steps into the training.
    :return: the last checkpoint.
    """
    lightning.seed_everything(config.seed, workers=True)
    batch, steps = config.optimiser.batch_size, config.optimiser.steps
    dataset = TrainingSet(
        samples, masks, length=config.window.length, augmentation=config.augmentation, seed=config.seed
    )
    order = EndlessOrder(len(samples), count=steps * batch, seed=config.seed, first=seen * batch)
    checkpoints = ModelCheckpoint(
        folder / "checkpoints", save_last=True, save_top_k=0, every_n_train_steps=min(CHECKPOINT_EVERY, steps)
    )
    trainer = lightning.Trainer(
        max_steps=steps,
        max_epochs=-1,
        logger=CSVLogger(folder, name="logs"),
        callbacks=[checkpoints],
        log_every_n_steps=10,
        enable_model_summary=False,
    )
    module = WeaklySupervised(config, pretrained=resume is None)
    trainer.fit(module, DataLoader(dataset, batch_size=batch, sampler=order), ckpt_path=resume, weights_only=True)
    last = _last_checkpoint(folder)
    trainer.save_checkpoint(last)
    return last


def _last_checkpoint(folder: Path) -> Path:
    return folder / "checkpoints" / "last.ckpt"


def _steps_of(checkpoint: Path) -> int:
    try:
        return int(torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"])
    except (OSError, KeyError, RuntimeError, ValueError, UnpicklingError) as error:
        raise WsvsError(f"{checkpoint}: not a checkpoint to resume from ({type(error).__name__})") from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.fit", description=__doc__)
    parser.add_argument("config", type=Path, help="YAML configuration")
    parser.add_argument("overrides", nargs="*", help="section.key=value")
    parser.add_argument("--work", type=Path, help="work directory (default: runs/<name>)")
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from")
    args = parser.parse_args(argv)
    try:
        config = load_config(args.config, args.overrides)
        last = fit(config, args.work or Path("runs") / config.name, resume=args.resume)
    except WsvsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"trained {config.optimiser.steps} steps; checkpoint: {last}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
