"""VGG-16, the papers' backbone."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from training.networks.backbones.backbone import Backbone
from training.networks.backbones.weights import WeightsError, assign, decimate, fit_inputs, read_weights, tensor_of

_VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
_HIDDEN = {"classifier.0": (4096, 512, 7, 7), "classifier.3": (4096, 4096, 1, 1)}  # as convolutions


@dataclass(frozen=True)
class Vgg16Top:
    """The classifier's hidden layers, fc6 and fc7, turned convolutional: fc6's kernel, its dilation, their filters."""

    kernel: int
    dilation: int
    filters: int


VGG16_TOPS = {"imagenet": Vgg16Top(7, 2, 4096), "small_fov": Vgg16Top(4, 4, 4096), "large_fov": Vgg16Top(3, 12, 1024)}
"""By head. `imagenet` sees at stride 16 just what the classifier saw at 32. The others are DeepLab's at stride 8 and
see 128 and 224 pixels (BP 4.2.1): fc6's and fc7's weights decimated."""


class Vgg16(Backbone):
    """
    VGG-16's thirteen convolutions (BF 3.2); the last pooling is left out, so conv5-3 has stride 16.

    :param in_channels: channels of the input; 3 for images, 2L for a flow stack.
    :param output_stride: 16, or 8 to pool without a stride before the last stage and dilate it by 2, as DeepLab does.
    :param top: one of :data:`VGG16_TOPS`, as `top`; None leaves the classifier's hidden layers out.
    """

    # torchvision's normalisation in 0..255 units.
    mean = (123.675, 116.28, 103.53)
    std = (58.395, 57.12, 57.375)
    classifier = "classifier.6"
    classifier_channels = 4096

    def __init__(self, *, in_channels: int = 3, output_stride: int = 16, top: str | None = None) -> None:
        super().__init__()
        if top and output_stride != (16 if top == "imagenet" else 8):
            raise ValueError(f"top {top} at output stride {output_stride}")
        stages: list[nn.Module] = []
        inputs = in_channels
        for stage, (outputs, repeats) in enumerate(_VGG16_STAGES):
            dilation = 16 // output_stride if stage == 4 else 1
            pool = nn.MaxPool2d(2, ceil_mode=True) if dilation == 1 else nn.MaxPool2d(3, stride=1, padding=1)
            layers: list[nn.Module] = [pool] if stage else []
            for _ in range(repeats):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation), nn.ReLU()]
                inputs = outputs
            stages.append(nn.Sequential(*layers))
        self.layers = nn.Sequential(*stages)
        self.strides = [1, 2, 4, 8, output_stride]
        self.channels = [outputs for outputs, _ in _VGG16_STAGES]
        self.top = _top(self.channels[-1], VGG16_TOPS[top]) if top else nn.Identity()
        self.top_is_late = top == "imagenet"  # its pooling takes a cell and the next one
        self.top_channels = VGG16_TOPS[top].filters if top else self.channels[-1]

    def centre(self, stride: int) -> float:
        """See :meth:`Backbone.centre`: a cell lies in the middle of the pixels that were pooled."""
        return (stride - 1) / 2

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
        for conv, (name, shape) in zip(tops, _HIDDEN.items(), strict=False):
            weight, bias = (tensor_of(tensors, f"{name}.{key}", path) for key in ("weight", "bias"))
            if weight.numel() == math.prod(shape):
                weight, bias = decimate(weight.reshape(shape), conv.weight.shape), decimate(bias, conv.weight.shape[:1])
            assign(conv, weight, bias, name, path)


def _top(inputs: int, top: Vgg16Top) -> nn.Sequential:
    reach = top.dilation * (top.kernel - 1)
    pools: list[nn.Module]
    if top == VGG16_TOPS["imagenet"]:
        pools = [nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2, stride=1)]
    else:
        pools = [nn.MaxPool2d(3, stride=1, padding=1)]
    return nn.Sequential(
        *pools,
        nn.Conv2d(inputs, top.filters, top.kernel, padding=reach // 2, dilation=top.dilation),
        nn.ReLU(),
        nn.Dropout(),  # as in the classifier, and in DeepLab
        nn.Conv2d(top.filters, top.filters, 1),
        nn.ReLU(),
        nn.Dropout(),
    )
