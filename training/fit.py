"""Train a network from tags: ``python -m training.fit training/configs/light.yaml data.root=DIR``."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import cv2
import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from training.callbacks import Pictures, StopOnSignal
from training.commands import command_parser, run_command, work_folder
from training.config import Config, load_config
from training.datasets import Sample
from training.datasets.endless_order import EndlessOrder
from training.datasets.training_set import TrainingSet, WholeFrames
from training.heatmaps import make_masks
from training.module import WeaklySupervised
from training.run_logs import JsonLinesLogger
from training.stages import load_samples, make_pseudo_labels
from training.work_directory import claim_work_directory, locked
from wsvs_ros.errors import WsvsError


def fit(config: Config, work: Path, *, resume: Path | None = None, caches: Path | None = None) -> Path:
    """
    Run all stages: samples with flow, heatmaps and masks, teachers and their pseudo-labels, training.

    What an earlier run has finished is taken from the work directory, and what it has begun goes on.

    :param work: work directory; holds caches, the configuration, logs and checkpoints.
    :param resume: a checkpoint of the same configuration to go on from, other than the work directory's own.
    :param caches: holds the caches instead, so that several trainings share them.
    :return: the last checkpoint.
    :raises WsvsError: if data, weights or checkpoint cannot be used, or the work directory is another
        configuration's.
    :raises KeyboardInterrupt: when a signal stopped it; its text says how to go on.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    if resume is not None:
        _steps_of(resume)
    masks: Path | None = None
    caches = caches or work
    with locked(caches):
        claim_work_directory(config, work)
        samples = load_samples(config, caches)
        if config.losses.heatmap or config.self_training.rounds:
            masks = make_masks(config, samples, caches)
            samples = [sample for sample in samples if (masks / f"{sample.key}.npy").is_file()]
    for number in range(config.self_training.rounds):
        assert masks is not None
        # a teacher belongs to the masks that it learns from
        teacher = train(config, samples, masks, work / "teachers" / f"{number}-{masks.name}")
        with locked(caches):
            masks = make_pseudo_labels(config, samples, teacher, work)
    return train(config, samples, masks, work, resume=resume)


def train(
    config: Config, samples: Sequence[Sample], masks: Path | None, folder: Path, *, resume: Path | None = None
) -> Path:
    """
    Train one network, or go on where the folder's last checkpoint is.

    :param masks: folder of the masks or pseudo-labels; None when tags are all there is.
    :param folder: for logs, pictures and checkpoints.
    :param resume: a checkpoint to go on from, other than the folder's own.
    :return: the last checkpoint.
    :raises KeyboardInterrupt: when a signal stopped it; its text says how to go on.
    """
    last = folder / "checkpoints" / "last.ckpt"
    resume = resume or (last if last.is_file() else None)
    seen = _steps_of(resume) if resume else 0
    batch, steps = config.optimiser.batch_size, config.optimiser.steps
    if resume and seen >= steps:
        return resume
    lightning.seed_everything(config.seed, workers=True)
    learnt_from, held_out = hold_out(samples, config.validation.share, config.seed)
    dataset = TrainingSet(
        learnt_from,
        masks,
        length=config.window.length,
        augmentation=config.augmentation,
        seed=config.seed,
        skip=config.data.on_error == "skip",
    )
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    order = EndlessOrder(
        len(learnt_from),
        count=steps * batch * world,
        seed=config.seed,
        first=seen * batch * world,
        rank=rank,
        world=world,
    )
    workers = config.runtime.workers
    loader = DataLoader(
        dataset, batch_size=batch, sampler=order, num_workers=workers, worker_init_fn=_quiet_worker if workers else None
    )
    watched = WholeFrames(held_out, masks, length=config.window.length)
    stop = StopOnSignal(last)
    trainer = _trainer(config, folder, world, [stop, *_checkpoints(config, folder, watched)])
    module = WeaklySupervised(config, pretrained=resume is None)
    validation = DataLoader(watched, batch_size=1) if held_out else None
    with _opencv_in_one_thread(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You're resuming from a checkpoint")  # the order knows where it was
        warnings.filterwarnings("ignore", ".*does not have many workers|.*no `val_dataloader`|.*treespec")
        trainer.fit(module, loader, validation, ckpt_path=resume, weights_only=True)
    if stop.stopped_at is not None:
        raise KeyboardInterrupt(f"stopped at step {stop.stopped_at} of {steps}; {last} is written, run again to go on")
    trainer.save_checkpoint(last)
    return last


def _trainer(config: Config, folder: Path, world: int, callbacks: list[Callback]) -> lightning.Trainer:
    """One process, or one of those that torchrun has started."""
    runtime = config.runtime
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    precision: Any = runtime.precision
    if precision == "auto":
        on_gpu = runtime.accelerator != "cpu" and torch.cuda.is_available()
        precision = "bf16-mixed" if on_gpu and torch.cuda.is_bf16_supported() else "32-true"
    return lightning.Trainer(
        max_steps=config.optimiser.steps,
        max_epochs=-1,
        min_epochs=0,  # so that a signal can stop in the one endless epoch
        accelerator=runtime.accelerator,
        devices=local,
        num_nodes=world // local,
        strategy="ddp" if world > 1 else "auto",
        precision=precision,
        use_distributed_sampler=False,  # the order knows its rank
        logger=[TensorBoardLogger(folder, name="tensorboard", version=""), JsonLinesLogger(folder / "log.jsonl")],
        callbacks=callbacks,
        log_every_n_steps=runtime.log_every,
        val_check_interval=min(config.validation.every, config.optimiser.steps),
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        enable_model_summary=False,
    )


def _checkpoints(config: Config, folder: Path, held_out: WholeFrames) -> list[Callback]:
    """``last.ckpt`` every so many steps; with held-out frames also ``best.ckpt``, and pictures of them."""
    every = min(config.runtime.checkpoint_every, config.optimiser.steps)
    checkpoints = folder / "checkpoints"
    found: list[Callback] = [ModelCheckpoint(checkpoints, save_last=True, save_top_k=0, every_n_train_steps=every)]
    if len(held_out):
        monitor: dict[str, Any] = {"monitor": "validation_loss", "mode": "min", "save_top_k": 1}
        found.append(ModelCheckpoint(checkpoints, filename="best", enable_version_counter=False, **monitor))
        pictures = min(config.validation.pictures, len(held_out))
        if pictures:
            found.append(Pictures(held_out, pictures, folder / "pictures"))
    return found


def hold_out(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """
    Split off the frames of validation.

    :raises WsvsError: if nothing would be left to learn from.
    """
    count = int(np.ceil(share * len(samples)))
    if count >= len(samples):
        raise WsvsError(f"validation.share {share:g} of {len(samples)} samples leaves none to learn from; lower it")
    chosen = set(np.random.default_rng(seed).permutation(len(samples))[:count].tolist())
    parts: tuple[list[Sample], list[Sample]] = ([], [])
    for index, sample in enumerate(samples):
        parts[index in chosen].append(sample)
    return parts


@contextmanager
def _opencv_in_one_thread() -> Iterator[None]:
    """The cores are the network's; and a forked loading process would wait for its parent's pool of threads forever."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _quiet_worker(_worker: int) -> None:
    """A loading process leaves signals to the training process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _steps_of(checkpoint: Path) -> int:
    try:
        return int(torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"])
    except (OSError, KeyError, RuntimeError, ValueError, UnpicklingError) as error:
        raise WsvsError(f"{checkpoint}: not a checkpoint to resume from ({type(error).__name__})") from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command_parser("fit", __doc__)
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from, other than the work directory's own")
    args = parser.parse_intermixed_args(argv)  # overrides may stand after options

    def job() -> str:
        config = load_config(args.config, args.overrides)
        last = fit(config, work_folder(args, config), resume=args.resume)
        return f"trained {config.optimiser.steps} steps; checkpoint: {last}"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
