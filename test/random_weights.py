"""Random classifier weights under torchvision's names: for tests that need a file but no knowledge."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from training.networks.backbones import InvertedResidual, MobileNetV2, Vgg16


def random_mobilenet(path: Path, *, seed: int = 0) -> Path:
    """A MobileNetV2 whose random features keep their variance from layer to layer."""
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}

    def add(name: str, norm: str, shape: torch.Size, *, linear: bool = False) -> None:
        fan_in = shape[1] * shape[2] * shape[3]
        # a ReLU halves the variance; what grows from layer to layer would end at ReLU6's ceiling
        gain = 0.5 if linear else 2.0
        tensors[f"{name}.weight"] = torch.randn(shape, generator=generator) * (gain / fan_in) ** 0.5
        for key, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            tensors[f"{norm}.{key}"] = torch.full((shape[0],), value)

    for index, layer in enumerate(MobileNetV2().layers):
        if isinstance(layer, InvertedResidual):
            for part, module in enumerate(layer.conv):
                last = part == len(layer.conv) - 1
                name = f"features.{index}.conv.{part}" + ("" if last else ".0")
                norm = f"features.{index}.conv.{part + 1}" if last else f"features.{index}.conv.{part}.1"
                add(name, norm, (module if last else module[0]).weight.shape, linear=last)
        else:
            add(f"features.{index}.0", f"features.{index}.1", layer[0].weight.shape)
    tensors["classifier.1.weight"] = torch.randn(1000, 1280, generator=generator) * 0.01
    tensors["classifier.1.bias"] = torch.zeros(1000)
    save_file(tensors, path)
    return path


def random_vgg16(path: Path, *, classifier: bool = False) -> Path:
    """A VGG-16 state dict as torchvision saves it, without the classifier's 120 million weights unless asked for."""
    index, tensors = 0, {}
    for stage in Vgg16().layers:
        for module in stage:
            if isinstance(module, torch.nn.Conv2d):
                tensors[f"features.{index}.weight"] = torch.randn_like(module.weight) * 0.05
                tensors[f"features.{index}.bias"] = torch.zeros_like(module.bias)
            index += 1
        # torchvision pools after each stage, this network before the next one: the count is the same
    if classifier:
        for layer, (outputs, inputs) in {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}.items():
            # rows that overlap in memory are saved as they are: a small file
            few = torch.randn(outputs + inputs) * inputs**-0.5
            tensors[f"classifier.{layer}.weight"] = few.as_strided((outputs, inputs), (1, 1))
            tensors[f"classifier.{layer}.bias"] = torch.randn(outputs) * 0.1
    torch.save(tensors, path)
    return path
