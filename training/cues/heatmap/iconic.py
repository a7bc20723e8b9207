"""One-vs-all classifiers of background classes and persons, fine-tuned on iconic images (BF 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from training.caches import written_aside
from training.config.cues import Iconic
from training.networks.backbones import MobileNetV2
from wsvs_ros.errors import WsvsError

_VIEW = 224  # pixels of a training view, the classifier's own input size
_CELLS = 4  # single feature cells taken from a view, beside its pooled features
_IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True)
class IconicClassifiers:
    """
    Linear one-vs-all classifiers over a trunk's last features.

    :param names: the K iconic classes (sub-folders).
    :param weight: (D, K).
    :param bias: (K,).
    :param mean, std: (D,) that features are normalised with.
    """

    names: tuple[str, ...]
    weight: Tensor
    bias: Tensor
    mean: Tensor
    std: Tensor

    def save(self, path: Path) -> None:
        """Write them to a file, whole or not at all."""
        with written_aside(path) as aside:
            torch.save(self.__dict__, aside)

    @classmethod
    def load(cls, path: Path) -> IconicClassifiers:
        """Read what :meth:`save` wrote."""
        return cls(**torch.load(path, map_location="cpu", weights_only=True))

    def probabilities(self, features: Tensor) -> Tensor:
        """(..., D) features -> (..., K), each class against all others, in [0, 1]."""
        return torch.sigmoid((features - self.mean) / self.std @ self.weight + self.bias)


def learn_iconic_classifiers(trunk: MobileNetV2, folder: Path, settings: Iconic, *, seed: int) -> IconicClassifiers:
    """
    Fine-tune the classification layer on augmented views of iconic images; the trunk stays frozen.

    Whole views teach the class, single feature cells teach what a texture without its context looks like.

    :param folder: one sub-folder of images a class.
    :raises WsvsError: if a class has no folder or no readable images.
    """
    rng = np.random.default_rng(seed)
    features, targets = [], []
    for index, name in enumerate(settings.classes):
        views = _views(folder / name, name, settings, rng)
        for batch in tqdm(views, desc=f"iconic {name}", unit="image", leave=False):
            features.append(_view_features(trunk, batch, rng))
            targets += [index] * len(features[-1])
    return _fit(torch.cat(features), torch.tensor(targets), tuple(settings.classes), seed)


def iconic_images(folder: Path) -> list[Path]:
    """The images of a class; none without a folder."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in _IMAGES) if folder.is_dir() else []


def _views(folder: Path, name: str, settings: Iconic, rng: np.random.Generator) -> list[np.ndarray]:
    images = [image for image in map(_read, iconic_images(folder)) if image is not None]
    if not images:
        raise WsvsError(f"{folder}: no readable images of iconic class {name!r}; add some or take the class out")
    return [
        np.stack(
            [
                _augment(image, view, rng, burnt=name in settings.overexpose, whole=name in settings.whole)
                for view in range(settings.views)
            ]
        )
        for image in images
    ]


def _read(path: Path) -> np.ndarray | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _augment(image: np.ndarray, view: int, rng: np.random.Generator, *, burnt: bool, whole: bool) -> np.ndarray:
    """One (224, 224, 3) uint8 view; the first is the plain image, odd ones may be burnt out and blurred."""
    if view == 0:
        return cv2.resize(image, (_VIEW, _VIEW), interpolation=cv2.INTER_LINEAR)
    share = rng.uniform(0.75 if whole else 0.4, 1.0)
    height, width = (max(2, int(side * share)) for side in image.shape[:2])
    top = rng.integers(0, image.shape[0] - height + 1)
    left = rng.integers(0, image.shape[1] - width + 1)
    crop = image[top : top + height, left : left + width]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    pixels = cv2.resize(crop, (_VIEW, _VIEW), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    if burnt and view % 2:
        pixels = pixels * rng.uniform(1.2, 3.5) + rng.uniform(0, 120)
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 8))
    else:
        gamma, gain = np.exp(rng.uniform(-0.7, 0.9)), np.exp(rng.uniform(-0.4, 0.3))
        pixels = 255 * (pixels / 255) ** gamma * gain
    gray = pixels.mean(2, keepdims=True)
    pixels = gray + (pixels - gray) * rng.uniform(0, 1.2)
    if rng.random() < 0.3:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 2.5))
    pixels += rng.normal(0, rng.uniform(0, 6), pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _view_features(trunk: MobileNetV2, views: np.ndarray, rng: np.random.Generator) -> Tensor:
    """(V, 224, 224, 3) uint8 -> (V * (1 + cells), D): pooled features and some single cells of each view."""
    cells = trunk_features(trunk, views).flatten(2)
    chosen = cells[:, :, rng.integers(0, cells.shape[2], _CELLS)].permute(0, 2, 1)
    return torch.cat([cells.mean(2)[:, None], chosen], 1).flatten(0, 1)


@torch.no_grad()
def trunk_features(trunk: MobileNetV2, images: np.ndarray) -> Tensor:
    """(B, H, W, 3) uint8 RGB -> (B, D, ceil(H / 32), ceil(W / 32)) float32 last features."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (trunk.mean, trunk.std))
    return trunk.features((x - mean) / std)[32]


def _fit(
    features: Tensor, targets: Tensor, names: tuple[str, ...], seed: int, *, epochs: int = 30, decay: float = 1e-3
) -> IconicClassifiers:
    """Class-balanced logistic regression, one class against all others."""
    generator = torch.Generator().manual_seed(seed)
    mean, std = features.mean(0), features.std(0) + 0.05
    normalised = (features - mean) / std
    truth = F.one_hot(targets, len(names)).float()
    balance = (len(targets) / len(names) / truth.sum(0))[targets][:, None]
    weight = torch.zeros(features.shape[1], len(names), requires_grad=True)
    bias = torch.full((len(names),), -2.0, requires_grad=True)
    optimiser = torch.optim.Adam([weight, bias], lr=2e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(targets), generator=generator).split(2048):
            logits = normalised[batch] @ weight + bias
            loss = F.binary_cross_entropy_with_logits(logits, truth[batch], weight=balance[batch])
            loss = loss + decay * weight.square().sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return IconicClassifiers(names, weight.detach(), bias.detach(), mean, std)
