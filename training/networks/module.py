"""The LightningModule: TwoStreamNet learning from tags, heatmaps and a CRF (BF 3.2.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics.classification import MulticlassJaccardIndex

from training.config import Config
from training.networks.checkpoints import FORMAT, read_checkpoint
from training.networks.losses import CueLoss, crf_loss, tag_loss
from training.networks.marks import class_masks
from training.networks.schedule import learning_rate_share
from training.networks.two_stream import build_network
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.labels import LabelSet


class WeaklySupervised(lightning.LightningModule):
    """
    :param config: the training configuration.
    :param cue_loss: what is learnt from the masks, see :meth:`training.cues.interface.Cue.loss`; None where nothing is
        learnt any more.
    :param pretrained: start from ImageNet weights; False when a checkpoint will bring all weights.
    """

    def __init__(self, config: Config, cue_loss: CueLoss | None = None, *, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        label_set = LabelSet.load(config.labels)
        self.classes = len(label_set)
        self.foreground = () if config.cue == "heatmap" else config.foreground_ids(label_set)
        self.cue_loss = cue_loss
        imagenet = config.heatmaps.foreground if config.heatmaps else {}
        shared = {label_set.id_of(name): indices for name, indices in imagenet.items()}
        self.network = build_network(
            config.backbone,
            classes=self.classes,
            window_length=config.window.length,
            weights=config.path(config.data.weights) if pretrained else None,
            motion=config.streams == "two",
            head=config.head,
            shared=shared,
        ).to(memory_format=torch.channels_last)
        self.mask_iou = MulticlassJaccardIndex(self.classes + 1, ignore_index=self.classes)
        for layer in self.network.appearance.layers[: config.optimiser.frozen_blocks]:
            layer.requires_grad_(False)

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        log_probabilities = self._log_probabilities(batch)
        weights = self.config.losses
        with self._full_precision():
            parts = self._losses(log_probabilities, batch)
            loss = weights.tag * parts["tag"] + self.config.cue_weight * parts[self.config.cue]
            if weights.crf and self.global_step >= weights.crf_from:
                parts["crf"] = crf_loss(log_probabilities, self._refine(batch["image"], log_probabilities))
                loss = loss + weights.crf * parts["crf"]
        self.log_dict({"loss": loss, **parts}, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """The losses of held-out frames, and the mIoU with their masks: what is measured by tags and masks alone."""
        log_probabilities = self._log_probabilities(batch)
        with self._full_precision():
            parts = self._losses(log_probabilities, batch)
        weights = self.config.losses
        found = {f"validation_{name}": value for name, value in parts.items()}
        found["validation_loss"] = weights.tag * parts["tag"] + self.config.cue_weight * parts[self.config.cue]
        self.log_dict(found, batch_size=len(batch["image"]), sync_dist=True)
        if (batch["labels"] < self.classes).any():
            self.mask_iou(log_probabilities.argmax(1), batch["labels"].clamp(max=self.classes))
            self.log("validation_mask_miou", self.mask_iou)

    def _full_precision(self) -> torch.autocast:
        """Only the network computes in `runtime.precision`: CRF, mixtures and small sums need all their bits."""
        return torch.autocast(self.device.type, enabled=False)

    def _log_probabilities(self, batch: dict[str, Tensor]) -> Tensor:
        scores: Tensor = self.network(batch["image"], batch["flow"])
        with self._full_precision():
            return scores.float().log_softmax(1)

    def _losses(self, log_probabilities: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tag loss and the cue's, neither yet weighted."""
        assert self.cue_loss is not None
        weights = self.config.losses
        masks = class_masks(batch["labels"], self.classes, self.foreground)
        # A tag speaks of the whole image: what it says is absent is absent from every crop, but of a crop that
        # misses the pole no pole can be asked. Without masks nothing tells what a crop shows but the tag.
        every = weights.ask_all or not self.config.cue_weight
        present = batch["tags"] if every else batch["tags"] & masks.any(3).any(2)
        return {
            "tag": tag_loss(log_probabilities.exp(), present, ~batch["tags"], r=weights.lse_r),
            self.config.cue: self.cue_loss(log_probabilities, masks, batch),
        }

    def _refine(self, images: Tensor, log_probabilities: Tensor) -> Tensor:
        """The CRF's marginals on the grid of scores, where its widths are smaller by the stride."""
        size = log_probabilities.shape[2:]
        stride = images.shape[3] / size[1]
        settings = self.config.crf.settings().scaled(1 / stride)
        small = F.interpolate(images.float(), size=size, mode="area").detach()
        return DenseCrf(small, settings).infer(log_probabilities.detach().exp())

    def load_weights(self, checkpoint: Path) -> None:
        """
        Take the weights of a checkpoint, and nothing else.

        :raises WsvsError: if the file is no checkpoint of this configuration's network.
        """
        state = read_checkpoint(checkpoint)["state_dict"]
        try:
            self.load_state_dict(state)
        except RuntimeError as error:
            problem = str(error).splitlines()[0]
            raise WsvsError(f"{checkpoint}: not a checkpoint of {self.config.name} ({problem})") from error

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What else a run needs to go on exactly; the data's order and crops follow from seed and step."""
        checkpoint["rng"] = torch.get_rng_state()
        checkpoint["format"] = FORMAT

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """See :meth:`on_save_checkpoint`."""
        if "rng" in checkpoint:
            torch.set_rng_state(checkpoint["rng"].cpu())

    def configure_optimizers(self) -> Any:
        settings = self.config.optimiser
        pretrained = {id(p) for p in _pretrained(self.network)}
        trained = [p for p in self.network.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if id(p) in pretrained], "lr": settings.lr},
            {"params": [p for p in trained if id(p) not in pretrained], "lr": settings.head_lr},
        ]
        optimiser: torch.optim.Optimizer
        if settings.algorithm == "sgd":
            optimiser = torch.optim.SGD(groups, momentum=settings.momentum, weight_decay=settings.weight_decay)
        else:
            optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: learning_rate_share(settings, step))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_start(self) -> None:
        """The rate of the next step is that of this run's schedule: a checkpoint's would be that of its own length."""
        schedule = self.lr_schedulers()
        assert isinstance(schedule, torch.optim.lr_scheduler.LambdaLR)
        share = learning_rate_share(self.config.optimiser, schedule.last_epoch)
        for group, rate in zip(schedule.optimizer.param_groups, schedule.base_lrs, strict=True):
            group["lr"] = rate * share


def load_checkpoint(config: Config, checkpoint: Path) -> WeaklySupervised:
    """
    A trained module.

    :raises WsvsError: if the file is no checkpoint of this configuration's network.
    """
    module = WeaklySupervised(config, pretrained=False)
    module.load_weights(checkpoint)
    return module


def _pretrained(network: nn.Module) -> list[nn.Parameter]:
    streams = [network.appearance, network.motion]
    return [p for stream in streams if isinstance(stream, nn.Module) for p in stream.parameters()]
