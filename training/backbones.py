"""Image classifiers as feature extractors: MobileNetV2, the car's, and VGG-16, the papers'.

Weights come from files with torchvision's key names. Batch norm is folded into the convolutions on
loading: it stays frozen here, because batches are small, and a folded network is what the car runs.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wsvs_ros.errors import WsvsError

_BN_EPS = 1e-5
_BN_KEYS = ("weight", "bias", "running_mean", "running_var")

# torchvision's MobileNetV2: expansion, output channels, repeats, stride of the first repeat.
_MOBILENET_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_VGG16_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class WeightsError(WsvsError):
    """A weights file that cannot be used for the network at hand."""


class Backbone(nn.Module):
    """
    A classifier's layers, one after the other, as far as a stream needs them.

    Subclasses fill `layers` (a Sequential), and for each of them `strides` and `channels`.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """What images in 0..255 are normalised with."""

    layers: nn.Sequential
    strides: list[int]
    channels: list[int]

    top: nn.Module
    """What the classifier puts between its last feature map and its class scores; nothing unless asked for."""
    top_channels: int
    classifier: str
    """Key of the 1000 classes' weights in the state dict."""

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """The last feature map of each stride, from (B, C, H, W) normalised input."""
        maps: dict[int, Tensor] = {}
        for layer, stride in zip(self.layers, self.strides, strict=True):
            x = layer(x)
            maps[stride] = x
        return maps

    def channels_at(self, stride: int) -> int:
        """Channels of the last feature map at ``stride``."""
        return [c for c, s in zip(self.channels, self.strides, strict=True) if s == stride][-1]

    def load_imagenet(self, path: Path) -> None:
        """
        Load ImageNet weights from a state dict with torchvision's names.

        The first convolution of a stream with other than 3 inputs is the RGB weights' mean, repeated and
        scaled so that its response keeps its size.

        :raises WeightsError: if the file lacks a tensor of this network or has another shape.
        """
        raise NotImplementedError

    def class_weights(self, path: Path) -> tuple[Tensor, Tensor]:
        """
        The 1000-class layer: weight (1000, `top_channels`) and bias (1000,).

        :raises WeightsError: if the file lacks it.
        """
        tensors = read_weights(path)
        weight, bias = (_tensor(tensors, f"{self.classifier}.{key}", path) for key in ("weight", "bias"))
        if weight.shape != (1000, self.top_channels):
            raise WeightsError(
                f"{path}: tensor {self.classifier}.weight has shape {tuple(weight.shape)}, "
                f"(1000, {self.top_channels}) is needed"
            )
        return weight, bias


class SameConv2d(nn.Conv2d):
    """
    Convolution with TensorFlow's "SAME" padding, whatever the stride.

    Even sizes under stride 2 are padded at the bottom and right only; these weights were trained so,
    and symmetric padding costs 9 points of ImageNet top-1.
    """

    def forward(self, x: Tensor) -> Tensor:
        # ints, so that an exported graph has the padding as constants
        totals = [
            max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
            for size, kernel, stride, dilation in zip(
                map(int, x.shape[2:]), self.kernel_size, self.stride, self.dilation, strict=True
            )
        ]
        if not any(total % 2 for total in totals):
            # the convolution's own padding: an inference engine keeps its memory layout, a Pad breaks it
            padding = [total // 2 for total in totals]
            return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        bottom, right = totals
        x = F.pad(x, [right // 2, right - right // 2, bottom // 2, bottom - bottom // 2])
        return self._conv_forward(x, self.weight, self.bias)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, filter by depth, project; a shortcut where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(nn.Sequential(SameConv2d(inputs, hidden, 1), nn.ReLU6()))
        layers.append(nn.Sequential(SameConv2d(hidden, hidden, 3, stride=stride, groups=hidden), nn.ReLU6()))
        layers.append(SameConv2d(hidden, outputs, 1))
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.shortcut else self.conv(x)


class MobileNetV2(Backbone):
    """
    MobileNetV2 1.0 with folded batch norm.

    :param in_channels: channels of the input; 3 for images, 2L for a flow stack.
    :param blocks: how many of the 19 feature blocks to keep. 14 ends at 96 channels and stride 16;
        19 is the whole classifier trunk (1280 channels, stride 32).
    :param output_stride: 32, or 16 to run blocks 14 and later dilated at stride 16.
    :param top: with 18 blocks, have the last one as `top`.
    """

    classifier = "classifier.1"

    mean = (127.5, 127.5, 127.5)
    std = (127.5, 127.5, 127.5)

    def __init__(self, *, in_channels: int = 3, blocks: int = 19, output_stride: int = 32, top: bool = False) -> None:
        super().__init__()
        if top and blocks != 18:
            raise ValueError(f"a top follows block 18, got {blocks} blocks")
        layers: list[nn.Module] = [nn.Sequential(SameConv2d(in_channels, 32, 3, stride=2), nn.ReLU6())]
        self.strides, self.channels = [2], [32]
        inputs, stride, dilation = 32, 2, 1
        for expansion, outputs, repeats, first_stride in _MOBILENET_STAGES:
            for repeat in range(repeats):
                step = first_stride if repeat == 0 else 1
                if step == 2 and stride == output_stride:
                    step, dilation = 1, dilation * 2
                block = InvertedResidual(inputs, outputs, stride=step, expansion=expansion)
                if dilation > 1 and not (repeat == 0 and first_stride == 2):
                    _dilate(block, dilation)
                stride *= step
                layers.append(block)
                self.strides.append(stride)
                self.channels.append(outputs)
                inputs = outputs
        layers.append(nn.Sequential(SameConv2d(inputs, 1280, 1), nn.ReLU6()))
        self.strides.append(stride)
        self.channels.append(1280)
        self.layers = nn.Sequential(*layers[:blocks])
        self.top = layers[18] if top else nn.Identity()
        self.top_channels = 1280 if top else self.channels[blocks - 1]
        self.strides, self.channels = self.strides[:blocks], self.channels[:blocks]

    def load_imagenet(self, path: Path) -> None:
        """See :meth:`Backbone.load_imagenet`; batch norm is folded."""
        tensors = read_weights(path)
        for index, layer in enumerate(self.layers):
            prefix = f"features.{index}"
            if isinstance(layer, InvertedResidual):
                for part, module in enumerate(layer.conv):
                    last = part == len(layer.conv) - 1
                    conv = module if last else module[0]
                    name = f"{prefix}.conv.{part}" if last else f"{prefix}.conv.{part}.0"
                    norm = f"{prefix}.conv.{part + 1}" if last else f"{prefix}.conv.{part}.1"
                    _load_folded(conv, tensors, name, norm, path)
            else:
                _load_folded(layer[0], tensors, f"{prefix}.0", f"{prefix}.1", path)
        if isinstance(self.top, nn.Sequential):
            _load_folded(self.top[0], tensors, "features.18.0", "features.18.1", path)


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
            weight, bias = (_tensor(tensors, f"features.{index}.{key}", path) for key in ("weight", "bias"))
            _assign(conv, _fit_inputs(weight, conv.in_channels), bias, f"features.{index}", path)
        tops = [m for m in self.top.modules() if isinstance(m, nn.Conv2d)]
        for conv, name in zip(tops, ("classifier.0", "classifier.3"), strict=False):
            weight, bias = (_tensor(tensors, f"{name}.{key}", path) for key in ("weight", "bias"))
            if weight.numel() == conv.weight.numel():
                weight = weight.reshape(conv.weight.shape)
            _assign(conv, weight, bias, name, path)


def read_weights(path: Path) -> dict[str, Tensor]:
    """
    Read a state dict from ``.safetensors`` or a torch file (tensors only).

    :raises WeightsError: if the file is missing or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file; set backbone.weights to an ImageNet state dict")
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


def _dilate(block: InvertedResidual, dilation: int) -> None:
    for module in block.modules():
        if isinstance(module, SameConv2d) and module.kernel_size == (3, 3):
            module.dilation = (dilation, dilation)


def _fit_inputs(weight: Tensor, in_channels: int) -> Tensor:
    """Spread RGB weights over another number of inputs: their mean, scaled to keep the response's size."""
    if weight.shape[1] == in_channels:
        return weight
    return weight.mean(1, keepdim=True).expand(-1, in_channels, -1, -1) * (weight.shape[1] / in_channels)


def _load_folded(conv: nn.Conv2d, tensors: dict[str, Tensor], name: str, norm: str, path: Path) -> None:
    gamma, beta, mean, var = (_tensor(tensors, f"{norm}.{key}", path) for key in _BN_KEYS)
    scale = gamma / torch.sqrt(var + _BN_EPS)
    weight = _tensor(tensors, f"{name}.weight", path)
    if conv.groups == 1:
        weight = _fit_inputs(weight, conv.in_channels)
    _assign(conv, weight * scale[:, None, None, None], beta - mean * scale, name, path)


def _tensor(tensors: dict[str, Tensor], name: str, path: Path) -> Tensor:
    if name not in tensors:
        raise WeightsError(f"{path}: no tensor {name!r}; a state dict with torchvision's key names is needed")
    return tensors[name]


def _assign(conv: nn.Conv2d, weight: Tensor, bias: Tensor, name: str, path: Path) -> None:
    if weight.shape != conv.weight.shape:
        raise WeightsError(
            f"{path}: tensor {name}.weight has shape {tuple(weight.shape)}, the network {tuple(conv.weight.shape)}"
        )
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)
