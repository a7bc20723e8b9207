"""Learns the localisation network from tags (BP 4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from training.caches import Cache, Ingredients, contents_in, digest, written_aside
from training.config import Config
from training.cues.builtin.cam import LocalisationNet, balanced_cross_entropy
from training.datasets import Sample
from training.datasets.endless_order import EndlessOrder
from training.networks.backbones import Backbone, MobileNetV2, Vgg16, weights_file
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet

_KEEP_EVERY = 50  # steps
_CELL = 16  # the stride whose cells lie in the middle of their pixels


def classifier_layers(config: Config) -> Backbone:
    """The layers of the configuration's ImageNet classifier, ready to be run."""
    backbone: Backbone = MobileNetV2(blocks=18, centred=_CELL) if config.backbone == "mobilenet_v2" else Vgg16()
    backbone.load_imagenet(config.path(config.data.weights))
    return backbone.eval()


def new_network(config: Config, *, pretrained: bool) -> LocalisationNet:
    """A localisation network for the configuration's foreground classes."""
    backbone: Backbone = MobileNetV2(blocks=14, centred=_CELL) if config.backbone == "mobilenet_v2" else Vgg16()
    if pretrained:
        backbone.load_imagenet(config.path(config.data.weights))
    return LocalisationNet(backbone, classes=len(config.foreground_ids(LabelSet.load(config.labels))))


def load_network(config: Config, path: Path) -> LocalisationNet:
    """
    A learnt network, in evaluation mode.

    :raises WsvsError: if the file is none.
    """
    network = new_network(config, pretrained=False)
    network.load_state_dict(_read(path)["network"])
    return network.eval()


def learn_localisation(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Learn a localisation network from the samples' tags, go on where an earlier run stopped, or take what it learnt.

    :return: its file.
    :raises WsvsError: if an image cannot be read, or no class tells some samples from others.
    """
    settings = config.builtin.localisation
    classes = list(config.foreground_ids(LabelSet.load(config.labels)))
    tags = np.stack([sample.tags[classes] for sample in samples])
    frequency = torch.from_numpy(tags.mean(0)).float()
    if not ((frequency > 0) & (frequency < 1)).any():
        raise WsvsError(
            f"cue {config.cue}: every frame has the same foreground tags, so that a classifier has nothing to tell "
            "apart; add frames without some of them, or take cue builtin, which asks for no classes"
        )
    cache, made_of = Cache(work / "localisation", "localisation network", ".pt"), _made_of(config, samples, tags, work)
    cache.lacking({"network": made_of})
    path = cache.path("network", made_of)
    state: dict[str, Any] = _read(path) if path.is_file() else {"step": 0}
    first = int(state["step"])
    if first >= settings.steps:
        return path
    torch.manual_seed(config.seed)
    network = new_network(config, pretrained=first == 0)
    new = [*network.localise.parameters(), *network.classify.parameters()]
    groups = [
        {"params": list(network.backbone.parameters()), "lr": settings.lr},
        {"params": new, "lr": settings.lr * settings.new_layers},
    ]
    optimiser: torch.optim.Optimizer = torch.optim.AdamW(groups, weight_decay=5e-4)
    if settings.algorithm == "sgd":
        optimiser = torch.optim.SGD(groups, momentum=0.9, weight_decay=5e-4)
    rates = [group["lr"] for group in optimiser.param_groups]
    if first:
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
    order = EndlessOrder(
        len(samples), count=settings.steps * settings.batch_size, seed=config.seed, first=first * settings.batch_size
    )
    views = _Views(samples, tags, config)
    loader = DataLoader(views, batch_size=settings.batch_size, sampler=order, num_workers=0)
    network.train()
    bar = tqdm(loader, desc="localisation network", unit="step", initial=first, total=settings.steps)
    for step, (images, shown) in enumerate(bar, first + 1):
        loss = balanced_cross_entropy(network(images), shown, frequency)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * 0.1 ** ((step - 1) // settings.step_every if settings.step_every else 0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 10 == 0:
            bar.set_postfix(loss=f"{float(loss.detach()):.3f}")
        if step % _KEEP_EVERY == 0 or step == settings.steps:
            _keep(path, network, optimiser, step)
    return path


def _made_of(config: Config, samples: Sequence[Sample], tags: np.ndarray, work: Path) -> Ingredients:
    with contents_in(work) as contents:
        weights = contents.of(weights_file(config.path(config.data.weights)))
    learnt = config.builtin.localisation.model_dump_json()
    return {
        "images": digest([sample.content for sample in samples]),
        "tags": digest(tags.tolist()),
        "weights": weights,
        "settings": digest(config.backbone, config.seed, learnt),
    }


class _Views(Dataset[tuple[Tensor, Tensor]]):
    """Whole frames, mirrored at random: a crop might not show what the frame's tags say."""

    def __init__(self, samples: Sequence[Sample], tags: np.ndarray, config: Config) -> None:
        self._samples, self._tags = samples, tags
        self._size, self._seed = config.builtin.localisation.size, config.seed
        self._skip = config.data.on_error == "skip"

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        index, image = self._read(position % len(self._samples))
        image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        if np.random.default_rng((self._seed, position)).random() < 0.5:
            image = image[:, ::-1]
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float()
        return pixels, torch.from_numpy(self._tags[index])

    def _read(self, first: int) -> tuple[int, np.ndarray]:
        """The first readable frame from a number on, where unreadable ones are left out."""
        for step in range(len(self._samples)):
            index = (first + step) % len(self._samples)
            try:
                return index, self._samples[index].load_image()
            except WsvsError:
                if not self._skip:
                    raise
        raise WsvsError("no training sample can be read; see data.on_error")


def _keep(path: Path, network: LocalisationNet, optimiser: torch.optim.Optimizer, step: int) -> None:
    with written_aside(path) as aside:
        torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, aside)


def _read(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError) as error:
        raise WsvsError(f"{path}: not a localisation network ({error}); delete it, it is learnt again") from error
    return state
