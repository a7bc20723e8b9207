"""What all backbones have in common."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from training.networks.backbones.weights import WeightsError, decimate, read_weights, tensor_of


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
    top_is_late: bool = False
    """Whether the top's cells lie half a cell behind those of the last feature map."""
    top_channels: int
    classifier: str
    """Key of the 1000 classes' weights in the state dict."""
    classifier_channels: int
    """What those weights take in; `top_channels` are a share of them."""

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

    def centre(self, stride: int) -> float:
        """
        Where the first cell of the feature map at ``stride`` lies, in pixels from the centre of the image's first; the
        next ones follow at ``stride`` pixels, whatever the image's size.
        """
        raise NotImplementedError

    def late(self, stride: int) -> float:
        """How far the cells of the feature map at ``stride`` lie behind the middles of their squares, pixels."""
        return self.centre(stride) - (stride - 1) / 2

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
        The 1000-class layer: weight (1000, `top_channels`), decimated as the layer before it, and bias (1000,).

        :raises WeightsError: if the file lacks it.
        """
        tensors = read_weights(path)
        weight, bias = (tensor_of(tensors, f"{self.classifier}.{key}", path) for key in ("weight", "bias"))
        if weight.shape != (1000, self.classifier_channels):
            raise WeightsError(
                f"{path}: tensor {self.classifier}.weight has shape {tuple(weight.shape)}, "
                f"(1000, {self.classifier_channels}) is needed"
            )
        return decimate(weight, (1000, self.top_channels)), bias
