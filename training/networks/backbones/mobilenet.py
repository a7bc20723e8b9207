"""MobileNetV2, the car's backbone."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.networks.backbones.backbone import Backbone
from training.networks.backbones.weights import assign, fit_inputs, read_weights, tensor_of

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


class SameConv2d(nn.Conv2d):
    """
    Convolution with as many outputs as TensorFlow's "SAME" padding has, always in the phase of an even size.

    Under stride 2 an output lies at every odd place of the input, whatever the input's size: TensorFlow pads an even
    size at the bottom and right only, which these weights were trained with (symmetric padding costs 9 points of
    ImageNet top-1), but an odd size on all sides, which would move the outputs by one place.

    :param lead: zeros in front of the input, under a stride: moves the outputs by as many places towards the beginning;
        what then lies behind the last output is not seen.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = True,
        lead: int = 0,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=stride, groups=groups, bias=bias)
        self.lead = lead

    def forward(self, x: Tensor) -> Tensor:
        # ints, so that an exported graph has the padding as constants
        (top, bottom), (left, right) = (self._pads(axis, int(size)) for axis, size in enumerate(x.shape[2:]))
        if top == bottom and left == right:
            # the convolution's own padding: an inference engine keeps its memory layout, a Pad breaks it
            return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups)
        x = x[:, :, : x.shape[2] + min(bottom, 0), : x.shape[3] + min(right, 0)]
        return self._conv_forward(F.pad(x, [left, max(right, 0), top, max(bottom, 0)]), self.weight, self.bias)

    def _pads(self, axis: int, size: int) -> tuple[int, int]:
        """Places before and behind an axis of so many; negative where the last ones are left out."""
        stride, reach = self.stride[axis], self.dilation[axis] * (self.kernel_size[axis] - 1)
        before = reach // 2 if stride == 1 else self.lead
        return before, (-(-size // stride) - 1) * stride + reach + 1 - size - before


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
    :param centred: a stride whose cells lie in the middle of their pixels, but for half a pixel: cell i in the middle
        of the `centred` pixels that begin at ``i * centred``. By default they lie where the classifier had them, at
        the last of their pixels.
    :param top: with 18 blocks, have the last one as `top`.
    """

    classifier = "classifier.1"
    classifier_channels = 1280

    mean = (127.5, 127.5, 127.5)
    std = (127.5, 127.5, 127.5)

    def __init__(
        self,
        *,
        in_channels: int = 3,
        blocks: int = 19,
        output_stride: int = 32,
        top: bool = False,
        centred: int | None = None,
    ) -> None:
        super().__init__()
        if top and blocks != 18:
            raise ValueError(f"a top follows block 18, got {blocks} blocks")
        self._lead = centred // 2 if centred else 0
        first = SameConv2d(in_channels, 32, 3, stride=2, lead=self._lead)
        layers: list[nn.Module] = [nn.Sequential(first, nn.ReLU6())]
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

    def centre(self, stride: int) -> float:
        """See :meth:`Backbone.centre`."""
        return stride - 1 - self._lead

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


def _dilate(block: InvertedResidual, dilation: int) -> None:
    for module in block.modules():
        if isinstance(module, SameConv2d) and module.kernel_size == (3, 3):
            module.dilation = (dilation, dilation)


def _load_folded(conv: nn.Conv2d, tensors: dict[str, Tensor], name: str, norm: str, path: Path) -> None:
    gamma, beta, mean, var = (tensor_of(tensors, f"{norm}.{key}", path) for key in _BN_KEYS)
    scale = gamma / torch.sqrt(var + _BN_EPS)
    weight = tensor_of(tensors, f"{name}.weight", path)
    if conv.groups == 1:
        weight = fit_inputs(weight, conv.in_channels)
    assign(conv, weight * scale[:, None, None, None], beta - mean * scale, name, path)
