"""Image classifiers as feature extractors: MobileNetV2, the car's, and VGG-16, the papers'.

Weights come from files with torchvision's key names. Batch norm is folded into the convolutions on
loading: it stays frozen here, because batches are small, and a folded network is what the car runs.
"""

from training.networks.backbones.backbone import Backbone
from training.networks.backbones.mobilenet import InvertedResidual, MobileNetV2, SameConv2d
from training.networks.backbones.vgg import Vgg16
from training.networks.backbones.weights import WeightsError, read_weights, weights_file

__all__ = [
    "Backbone",
    "InvertedResidual",
    "MobileNetV2",
    "SameConv2d",
    "Vgg16",
    "WeightsError",
    "read_weights",
    "weights_file",
]
