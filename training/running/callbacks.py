"""What happens beside the steps of a training run: stopping on a signal, pictures of what is learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import Dataset

from training.networks.module import WeaklySupervised
from training.running.pictures import labels_picture, sheet, write_picture
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.runs.interruption import Interruption


class StopOnSignal(Callback):
    """
    After the first SIGINT or SIGTERM, write a checkpoint behind the step at hand and stop; a second one stops at once.

    :param checkpoint: the file.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.stopped_at: int | None = None
        self._checkpoint = checkpoint
        self._interruption = Interruption()

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Now, not before: Lightning has put its own handlers in place."""
        self._interruption.__enter__()

    def on_train_batch_end(self, trainer: lightning.Trainer, module: Any, *_args: Any, **_kwargs: Any) -> None:
        """All processes stop behind the same step."""
        if trainer.strategy.reduce_boolean_decision(self._interruption.wanted, all=False):
            trainer.save_checkpoint(self._checkpoint)
            self.stopped_at = trainer.global_step
            trainer.should_stop = True

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Give the signals back."""
        self._interruption.__exit__()

    def on_exception(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Give the signals back."""
        self._interruption.__exit__()


class Pictures(Callback):
    """
    Draws some held-out frames, their labels and what the network sees, after each validation.

    :param frames: the held-out frames, see :class:`training.datasets.training_set.WholeFrames`.
    :param count: how many of them are drawn.
    :param folder: for ``step-<N>.png``.
    """

    def __init__(self, frames: Dataset[dict[str, torch.Tensor]], count: int, folder: Path) -> None:
        self._frames, self._count, self._folder = frames, count, folder

    @rank_zero_only
    @torch.no_grad()
    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Draw."""
        assert isinstance(module, WeaklySupervised)
        label_set = LabelSet.load(module.config.labels)
        tiles = []
        for index in range(self._count):
            item = self._frames[index]
            image = item["image"].permute(1, 2, 0).numpy().astype(np.uint8)
            scores = module.network(item["image"][None].to(module.device), item["flow"][None].to(module.device))
            seen = scores[0].argmax(0).to(torch.uint8).cpu().numpy()
            labels = item["labels"].numpy().astype(np.uint8)
            tiles += [
                ("image", image),
                ("labels", labels_picture(image, labels, label_set)),
                ("prediction", labels_picture(image, seen, label_set)),
            ]
        picture = sheet(tiles, columns=3)
        write_picture(self._folder / f"step-{trainer.global_step:06d}.png", picture)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("held-out", picture, trainer.global_step, dataformats="HWC")
