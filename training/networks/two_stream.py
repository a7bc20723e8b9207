"""TwoStreamNet: appearance and motion, fused early and late (BF 3.2, fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.networks.backbones import Backbone, MobileNetV2, Vgg16
from wsvs_ros.errors import WsvsError

_FLOW_SCALE = 8.0  # pixels per frame that count as fast; larger motions saturate
_FINE = 8  # stride of the finer appearance features that sharpen the scores, where those behind it are coarser
_FOV_DILATION = {"small_fov": 3, "large_fov": 6}  # of MobileNetV2's: 7 and 13 cells of 16 pixels, about VGG-16's
STRIDE = _FINE
"""Stride of the network's scores, pixels."""


class TwoStreamNet(nn.Module):
    """
    Two streams of features, a trainable convolutional early fusion, a late fusion of class scores.

    :param appearance: backbone over normalised RGB.
    :param motion: backbone over the flow stack; None leaves the appearance stream alone.
    :param classes: number of classes N.
    :param motion_reduction: the flow stack is averaged over squares of this many pixels first.
    :param width: channels of the early fusion.
    :param context: layers of its own between the appearance stream's last features and its scores, and their
        channels; None for the backbone's `top`.
    """

    def __init__(
        self,
        appearance: Backbone,
        motion: Backbone | None,
        *,
        classes: int,
        motion_reduction: int = 1,
        width: int = 128,
        context: tuple[nn.Module, int] | None = None,
    ) -> None:
        super().__init__()
        self.appearance = appearance
        self.motion = motion
        self.motion_reduction = motion_reduction
        self.register_buffer("mean", torch.tensor(appearance.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(appearance.std).view(1, 3, 1, 1), persistent=False)
        self.deep = appearance.strides[-1]  # stride of both streams' features where they meet
        self.context, channels = context or (None, appearance.top_channels)
        self.appearance_scores = nn.Conv2d(channels, classes, 1)
        self.fine_scores = nn.Conv2d(appearance.channels_at(_FINE), classes, 1) if self.deep > _FINE else None
        if motion is not None:
            fused = appearance.channels_at(self.deep) + motion.channels_at(self.deep // motion_reduction)
            self.early_fusion = nn.Sequential(
                nn.Conv2d(fused, width, 1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
            )
            self.fused_scores = nn.Conv2d(width, classes, 1)
            self.late_fusion = nn.Conv2d(2 * classes, classes, 1)
        self._initialise_heads(classes)

    def _initialise_heads(self, classes: int) -> None:
        """Small Gaussian scores; the late fusion begins as the mean of its two inputs."""
        for head in (self.appearance_scores, self.fine_scores, getattr(self, "fused_scores", None)):
            if head is not None:
                nn.init.normal_(head.weight, std=0.01)
                nn.init.zeros_(head.bias)
        if self.motion is not None:
            with torch.no_grad():
                both = torch.cat([torch.eye(classes), torch.eye(classes)], 1) / 2
                self.late_fusion.weight.copy_(both[:, :, None, None])
                nn.init.zeros_(self.late_fusion.bias)

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """
        Class scores before the softmax.

        :param image: (B, 3, H, W) RGB, 0..255, any dtype.
        :param flow: (B, 2L, H, W) float32, pixels per frame, oldest field first, u before v; zero where unknown.
        :return: (B, N, ceil(H / 8), ceil(W / 8)) float32 scores.
        """
        maps = self.appearance.features((image.to(self.mean.dtype) - self.mean) / self.std)
        deep = maps[self.deep]
        context = self.appearance.top if self.context is None else self.context
        scores: Tensor = self.appearance_scores(context(deep))
        if self.context is None and self.appearance.top_is_late:
            scores = F.avg_pool2d(F.pad(scores, (1, 0, 1, 0), mode="replicate"), 2, stride=1)
        if self.motion is not None:
            scores = self._fuse(deep, scores, flow)
        if self.fine_scores is None:
            return scores
        fine = self.fine_scores(maps[_FINE])
        return self._enlarge(scores, fine.shape[2:]) + fine

    def _enlarge(self, scores: Tensor, size: Sequence[int]) -> Tensor:
        """Scores on the finer cells of the appearance stream, which lie between the coarse ones or upon them."""
        first = (self.appearance.centre(self.deep) - self.appearance.centre(_FINE)) / _FINE
        if first == 0.5:
            return F.interpolate(scores, size=size, mode="bilinear", align_corners=False)
        assert first == 1, first
        between = [2 * int(side) - 1 for side in scores.shape[2:]]
        upon = F.interpolate(scores, size=between, mode="bilinear", align_corners=True)
        return F.pad(upon, (1, 0, 1, 0), mode="replicate")[:, :, : int(size[0]), : int(size[1])]

    def _fuse(self, appearance: Tensor, scores: Tensor, flow: Tensor) -> Tensor:
        assert self.motion is not None
        if self.motion_reduction > 1:
            odd = any(int(side) % self.motion_reduction for side in flow.shape[2:])
            flow = F.avg_pool2d(flow, self.motion_reduction, ceil_mode=odd)
        motion = self.motion.features(torch.tanh(flow / _FLOW_SCALE))[self.deep // self.motion_reduction]
        if motion.shape[2:] != appearance.shape[2:]:  # one cell more or less at the end
            missing = [int(a) - int(m) for a, m in zip(appearance.shape[2:], motion.shape[2:], strict=True)]
            motion = F.pad(motion, (0, missing[1], 0, missing[0]), mode="replicate")
        fused = self.early_fusion(torch.cat([appearance, motion], 1))
        return self.late_fusion(torch.cat([self.fused_scores(fused), scores], 1))


def build_network(
    backbone: str,
    *,
    classes: int,
    window_length: int,
    weights: Path | None,
    motion: bool = True,
    head: str = "new",
    shared: Mapping[int, Sequence[int]] | None = None,
) -> TwoStreamNet:
    """
    The network of a named backbone: ``mobilenet_v2`` (the car's) or ``vgg16`` (the papers').

    :param weights: ImageNet state dict with torchvision's names for both streams; None starts from random weights.
    :param motion: False leaves out the motion stream.
    :param head: what lies between the appearance stream's features and its scores: nothing (``new``), the
        classifier's upper layers (``imagenet``, BF 4.2), or a field of view of 128 or 224 pixels (``small_fov``,
        ``large_fov``, BP 4.2.1): VGG-16's upper layers decimated, at stride 8, or for MobileNetV2, which has none
        that look around, a dilated convolution that begins at random.
    :param shared: class id -> the ILSVRC classes that it shares. Where the head is the classifier's, the score layer
        starts from its class layer: the mean of a shared class's weights, Gaussian noise of deviation 0.1 for the
        others (BF 4.2, BP 4.2.1); of 0.01 for all where a decimated head shares nothing, as DeepLab's.
    :raises WsvsError: on an unknown backbone; a :class:`~training.networks.backbones.WeightsError` on unfit weights.
    """
    channels = 2 * window_length
    appearance: Backbone
    flow: Backbone | None
    context = None
    if backbone == "mobilenet_v2":
        reduction = 2
        appearance = MobileNetV2(blocks=18, output_stride=16, top=head == "imagenet", centred=_FINE)
        flow = None
        if motion:  # both streams' cells lie upon one another
            flow = MobileNetV2(in_channels=channels, blocks=11, output_stride=8, centred=_FINE // reduction)
        if head in _FOV_DILATION:
            context = _dilated(appearance.top_channels, 256, _FOV_DILATION[head]), 256
    elif backbone == "vgg16":
        stride = 8 if head in _FOV_DILATION else 16
        appearance = Vgg16(output_stride=stride, top=None if head == "new" else head)
        flow = Vgg16(in_channels=channels, output_stride=stride) if motion else None
        reduction = 1
    else:
        raise WsvsError(f"unknown backbone {backbone!r}; choose mobilenet_v2 or vgg16")
    if weights is not None:
        for stream in (appearance, flow):
            if stream is not None:
                stream.load_imagenet(weights)
    network = TwoStreamNet(appearance, flow, classes=classes, motion_reduction=reduction, context=context)
    # where nothing is shared, DeepLab's last layer begins small, as it is
    if weights is not None and (head == "imagenet" or (shared and head != "new" and context is None)):
        _share_classes(network.appearance_scores, *appearance.class_weights(weights), shared or {})
    return network


def _dilated(inputs: int, outputs: int, dilation: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation), nn.ReLU())


@torch.no_grad()
def _share_classes(scores: nn.Conv2d, weight: Tensor, bias: Tensor, shared: Mapping[int, Sequence[int]]) -> None:
    nn.init.normal_(scores.weight, std=0.1)
    assert scores.bias is not None
    nn.init.zeros_(scores.bias)
    for target, indices in shared.items():
        scores.weight[target, :, 0, 0] = weight[list(indices)].mean(0)
        scores.bias[target] = bias[list(indices)].mean()
