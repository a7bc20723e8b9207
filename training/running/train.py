"""Train one network: data, trainer, checkpoints and logs put together."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from training.config import Config
from training.datasets import Sample
from training.datasets.endless_order import EndlessOrder
from training.datasets.held_out import hold_out
from training.datasets.training_set import TrainingSet, WholeFrames
from training.networks.checkpoints import read_checkpoint
from training.networks.losses import CueLoss
from training.networks.module import WeaklySupervised
from training.running.callbacks import Pictures, StopOnSignal
from training.running.logs import JsonLinesLogger


def train(
    config: Config,
    samples: Sequence[Sample],
    masks: Path | None,
    folder: Path,
    *,
    loss: Callable[[Sequence[int]], CueLoss],
    by_shot: bool = False,
    resume: Path | None = None,
    start: Path | None = None,
) -> Path:
    """
    Train one network, or go on where the folder's last checkpoint is.

    :param masks: folder of the masks or pseudo-labels; None when tags are all there is.
    :param folder: for logs, pictures and checkpoints.
    :param loss: makes the cue's loss of how many training frames are tagged with each class.
    :param by_shot: all frames of a batch are of one shot.
    :param resume: a checkpoint to go on from, other than the folder's own.
    :param start: a checkpoint of another training whose weights to begin with.
    :return: the last checkpoint.
    :raises KeyboardInterrupt: when a signal stopped it; its text says how to go on.
    """
    last = folder / "checkpoints" / "last.ckpt"
    resume = resume or (last if last.is_file() else None)
    seen = steps_of(resume) if resume else 0
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
        groups=[sample.shot.name if sample.shot else "" for sample in learnt_from] if by_shot else (),
        batch=batch * world,
    )
    workers = config.runtime.workers
    loader = DataLoader(
        dataset, batch_size=batch, sampler=order, num_workers=workers, worker_init_fn=_quiet_worker if workers else None
    )
    watched = WholeFrames(held_out, masks, length=config.window.length)
    stop = StopOnSignal(last)
    trainer = make_trainer(config, folder, world, [stop, *_checkpoints(config, folder, watched)])
    tag_counts = np.sum([sample.tags for sample in learnt_from], axis=0).tolist()
    module = WeaklySupervised(config, loss(tag_counts), pretrained=resume is None and start is None)
    if start is not None and resume is None:
        module.load_weights(start)
    validation = DataLoader(watched, batch_size=1) if held_out else None
    with _opencv_in_one_thread(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You're resuming from a checkpoint")  # the order knows where it was
        warnings.filterwarnings("ignore", ".*does not have many workers|.*no `val_dataloader`|.*treespec")
        trainer.fit(module, loader, validation, ckpt_path=resume, weights_only=True)
    if stop.stopped_at is not None:
        raise KeyboardInterrupt(f"stopped at step {stop.stopped_at} of {steps}; {last} is written, run again to go on")
    trainer.save_checkpoint(last)
    return last


def make_trainer(config: Config, folder: Path, world: int, callbacks: list[Callback]) -> lightning.Trainer:
    """A Lightning trainer in one process, or in one of those that torchrun has started."""
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


def steps_of(checkpoint: Path) -> int:
    """
    How many steps a checkpoint has seen.

    :raises WsvsError: if it is none.
    """
    return int(read_checkpoint(checkpoint)["global_step"])
