"""Weights from state dicts with torchvision's key names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from wsvs_ros.errors import WsvsError


class WeightsError(WsvsError):
    """A weights file that cannot be used for the network at hand."""


def weights_file(path: Path) -> Path:
    """
    The file, if it is there.

    :raises WeightsError: if it is not.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file; set data.weights to an ImageNet state dict")
    return path


def read_weights(path: Path) -> dict[str, Tensor]:
    """
    Read a state dict from ``.safetensors`` or a torch file (tensors only).

    :raises WeightsError: if the file is missing or holds something else.
    """
    path = weights_file(Path(path))
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"{path}: not a readable weights file ({error})") from error
    if not isinstance(state, dict):
        raise WeightsError(f"{path}: holds a {type(state).__name__}, a state dict is needed")
    return state


def fit_inputs(weight: Tensor, in_channels: int) -> Tensor:
    """Spread RGB weights over another number of inputs: their mean, scaled to keep the response's size."""
    if weight.shape[1] == in_channels:
        return weight
    return weight.mean(1, keepdim=True).expand(-1, in_channels, -1, -1) * (weight.shape[1] / in_channels)


def decimate(weight: Tensor, shape: Sequence[int]) -> Tensor:
    """Pick evenly spaced entries along every axis, first and last among them, until ``weight`` has ``shape``."""
    for axis, (have, want) in enumerate(zip(weight.shape, shape, strict=True)):
        weight = weight.index_select(axis, torch.arange(want) * (have - 1) // max(want - 1, 1))
    return weight


def tensor_of(tensors: dict[str, Tensor], name: str, path: Path) -> Tensor:
    """A tensor by name; a WeightsError names file and tensor when there is none."""
    if name not in tensors:
        raise WeightsError(f"{path}: no tensor {name!r}; a state dict with torchvision's key names is needed")
    return tensors[name]


def assign(conv: nn.Conv2d, weight: Tensor, bias: Tensor, name: str, path: Path) -> None:
    """Put weights into a convolution; a WeightsError names file and tensor when the shapes differ."""
    if weight.shape != conv.weight.shape:
        raise WeightsError(
            f"{path}: tensor {name}.weight has shape {tuple(weight.shape)}, the network {tuple(conv.weight.shape)}"
        )
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)
