"""VGG-16, the papers' backbone."""

from __future__ import annotations

import re
from pathlib import Path

from torch import nn

from training.backbones.backbone import Backbone
from training.backbones.weights import WeightsError, assign, fit_inputs, read_weights, tensor_of

_VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class Vgg16(Backbone):
    """
    VGG-16's thirteen convolutions (BF 3.2); the last pooling is left out, so conv5-3 has stride 16.

    :param in_channels: channels of the input; 3 for images, 2L for a flow stack.
    :param top: have the classifier's two hidden layers as `top`, turned convolutional: pooling without a stride
        and a dilated kernel see just what they saw at stride 32.
    """

    # torchvision's normalisation in 0..255 units.
    mean = (123.675, 116.28, 103.53)
    std = (58.395, 57.12, 57.375)
    classifier = "classifier.6"

    def __init__(self, *, in_channels: int = 3, top: bool = False) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        inputs = in_channels
        for stage, (outputs, repeats) in enumerate(_VGG16_STAGES):
            layers: list[nn.Module] = [nn.MaxPool2d(2, ceil_mode=True)] if stage else []
            for _ in range(repeats):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
            stages.append(nn.Sequential(*layers))
        self.layers = nn.Sequential(*stages)
        self.strides = [1, 2, 4, 8, 16]
        self.channels = [outputs for outputs, _ in _VGG16_STAGES]
        self.top = nn.Identity()
        self.top_channels = 4096 if top else self.channels[-1]
        if top:
            self.top = nn.Sequential(
                nn.ZeroPad2d((0, 1, 0, 1)),
                nn.MaxPool2d(2, stride=1),
                nn.Conv2d(self.channels[-1], 4096, 7, padding=6, dilation=2),
                nn.ReLU(),
                nn.Conv2d(4096, 4096, 1),
                nn.ReLU(),
            )

    def load_imagenet(self, path: Path) -> None:
        """See :meth:`Backbone.load_imagenet`."""
        tensors = read_weights(path)
        convolutions = [m for m in self.layers.modules() if isinstance(m, nn.Conv2d)]
        found = [re.fullmatch(r"features\.(\d+)\.weight", key) for key in tensors]
        names = sorted(int(match[1]) for match in found if match)
        if len(names) < len(convolutions):
            raise WeightsError(f"{path}: {len(names)} feature convolutions found, VGG-16 has {len(convolutions)}")
        for conv, index in zip(convolutions, names, strict=False):
            weight, bias = (tensor_of(tensors, f"features.{index}.{key}", path) for key in ("weight", "bias"))
            assign(conv, fit_inputs(weight, conv.in_channels), bias, f"features.{index}", path)
        tops = [m for m in self.top.modules() if isinstance(m, nn.Conv2d)]
        for conv, name in zip(tops, ("classifier.0", "classifier.3"), strict=False):
            weight, bias = (tensor_of(tensors, f"{name}.{key}", path) for key in ("weight", "bias"))
            if weight.numel() == conv.weight.numel():
                weight = weight.reshape(conv.weight.shape)
            assign(conv, weight, bias, name, path)
