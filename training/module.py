"""The LightningModule: TwoStreamNet learning from tags, heatmaps and a CRF (BF 3.2.1)."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.config import Config
from training.losses import crf_loss, heatmap_loss, tag_loss
from training.network import build_network
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.labels import LabelSet


class WeaklySupervised(lightning.LightningModule):
    """
    :param config: the training configuration.
    :param pretrained: start from ImageNet weights; False when a checkpoint will bring all weights.
    """

    def __init__(self, config: Config, *, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        self.classes = len(LabelSet.load(config.labels))
        self.network = build_network(
            config.backbone,
            classes=self.classes,
            window_length=config.window.length,
            weights=config.path(config.data.weights) if pretrained else None,
        ).to(memory_format=torch.channels_last)
        for layer in self.network.appearance.layers[: config.optimiser.frozen_blocks]:
            layer.requires_grad_(False)

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        log_probabilities = self.network(batch["image"], batch["flow"]).log_softmax(1)
        weights = self.config.losses
        one_hot = F.one_hot(batch["labels"].clamp(max=self.classes), self.classes + 1)
        masks = one_hot[..., :-1].permute(0, 3, 1, 2).bool()
        # A tag speaks of the whole image: what it says is absent is absent from every crop, but of a crop that
        # misses the pole no pole can be asked.
        present, absent = batch["tags"] & masks.any(3).any(2), ~batch["tags"]
        tag = tag_loss(log_probabilities.exp(), present, absent, r=weights.lse_r)
        heat = heatmap_loss(log_probabilities, masks, batch["tags"], area_power=weights.area_power)
        loss = weights.tag * tag + weights.heatmap * heat
        parts = {"tag": tag, "heatmap": heat}
        if weights.crf:
            parts["crf"] = crf_loss(log_probabilities, self._refine(batch["image"], log_probabilities))
            loss = loss + weights.crf * parts["crf"]
        self.log_dict({"loss": loss, **parts}, prog_bar=True)
        return loss

    def _refine(self, images: Tensor, log_probabilities: Tensor) -> Tensor:
        """The CRF's marginals on the grid of scores, where its widths are smaller by the stride."""
        size = log_probabilities.shape[2:]
        stride = images.shape[3] / size[1]
        settings = CrfSettings(**self.config.crf.model_dump()).scaled(1 / stride)
        small = F.interpolate(images.float(), size=size, mode="area").detach()
        return DenseCrf(small, settings).infer(log_probabilities.detach().exp())

    def configure_optimizers(self) -> Any:
        settings = self.config.optimiser
        pretrained = {id(p) for p in _pretrained(self.network)}
        trained = [p for p in self.network.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if id(p) in pretrained], "lr": settings.lr},
            {"params": [p for p in trained if id(p) not in pretrained], "lr": settings.head_lr},
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.PolynomialLR(optimiser, settings.steps, power=0.9)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def load_checkpoint(config: Config, checkpoint: Path) -> WeaklySupervised:
    """
    A trained module.

    :raises WsvsError: if the file is no checkpoint of this configuration's network.
    """
    module = WeaklySupervised(config, pretrained=False)
    try:
        module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])
    except (OSError, KeyError, RuntimeError, ValueError, UnpicklingError) as error:
        raise WsvsError(f"{checkpoint}: not a checkpoint of {config.name} ({str(error).splitlines()[0]})") from error
    return module


def _pretrained(network: nn.Module) -> list[nn.Parameter]:
    streams = [network.appearance, network.motion]
    return [p for stream in streams if isinstance(stream, nn.Module) for p in stream.parameters()]
