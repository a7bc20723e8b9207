"""Backbones: shapes, weights by torchvision's names, the reference logits of the real classifier."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from random_weights import random_mobilenet, random_vgg16  # noqa: E402

from training.networks.backbones import MobileNetV2, SameConv2d, Vgg16, WeightsError, read_weights  # noqa: E402


def test_same_convolution_pads_even_sizes_at_the_end() -> None:
    conv = SameConv2d(1, 1, 3, stride=2, bias=False)
    torch.nn.init.ones_(conv.weight)
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 0, 0] = 1
    assert conv(x)[0, 0].tolist() == [[1, 0], [0, 0]]
    x = torch.ones(1, 1, 4, 4)
    assert conv(x)[0, 0].tolist() == [[9, 6], [6, 4]]


@pytest.mark.parametrize("size", [(96, 72), (97, 71), (32, 32)])
def test_mobilenet_maps_have_their_strides(size: tuple[int, int]) -> None:
    width, height = size
    maps = MobileNetV2(blocks=18, output_stride=16).features(torch.zeros(1, 3, height, width))
    assert set(maps) == {2, 4, 8, 16}
    assert maps[16].shape[1] == 320
    assert maps[8].shape[2:] == (-(-height // 8), -(-width // 8))
    assert maps[16].shape[2:] == (-(-height // 16), -(-width // 16))


def test_dilated_mobilenet_agrees_with_the_strided_one_where_both_look(tmp_path: Path) -> None:
    weights = random_mobilenet(tmp_path / "w.safetensors")
    strided, dilated = MobileNetV2(blocks=15), MobileNetV2(blocks=15, output_stride=16)
    x = torch.rand(1, 3, 64, 64)
    for network in (strided, dilated):
        network.load_imagenet(weights)
    with torch.no_grad():
        coarse, fine = strided.features(x)[32], dilated.features(x)[16]
    assert fine.shape[2] == 2 * coarse.shape[2]
    # "SAME" padding samples an even map's odd places
    assert torch.allclose(coarse[:, :, 0, 0], fine[:, :, 1, 1], atol=1e-4)


def test_classifier_gives_the_reference_logits(shared_data: Path) -> None:
    weights = shared_data / "weights" / "mobilenet_v2_imagenet1k.safetensors"
    network = MobileNetV2()
    network.load_imagenet(weights)
    tensors = read_weights(weights)
    reference = np.load(shared_data / "weights" / "reference" / "logits.npz")
    for name in reference:
        image = cv2.imread(str(shared_data / "weights" / "reference" / f"{name}.png"))
        x = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            pooled = network.features(x)[32].mean((2, 3))
        logits = pooled @ tensors["classifier.1.weight"].T + tensors["classifier.1.bias"]
        assert np.allclose(logits[0].numpy(), reference[name], atol=1e-3)


def test_first_motion_convolution_is_the_rgb_mean(tmp_path: Path) -> None:
    weights = random_mobilenet(tmp_path / "w.safetensors")
    motion = MobileNetV2(in_channels=20, blocks=2)
    motion.load_imagenet(weights)
    first = motion.layers[0][0].weight
    rgb = read_weights(weights)["features.0.0.weight"]
    assert torch.allclose(first[:, 0], first[:, 19])
    assert torch.allclose(first.sum(1), rgb.sum(1), atol=1e-4)


def test_vgg16_loads_torchvision_names(tmp_path: Path) -> None:
    weights = random_vgg16(tmp_path / "vgg.pt")
    network = Vgg16()
    network.load_imagenet(weights)
    assert torch.equal(network.layers[1][1].weight, read_weights(weights)["features.5.weight"])
    assert network.features(torch.zeros(1, 3, 64, 48))[16].shape == (1, 512, 4, 3)


def test_weights_errors_name_the_file_and_tensor(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="nowhere.safetensors: no such weights file"):
        MobileNetV2().load_imagenet(tmp_path / "nowhere.safetensors")
    garbage = tmp_path / "garbage.pt"
    garbage.write_bytes(b"not a state dict")
    with pytest.raises(WeightsError, match="garbage.pt: not a readable weights file"):
        MobileNetV2().load_imagenet(garbage)
    with pytest.raises(WeightsError, match=r"half\.pt: no tensor 'features\.0\.1\.weight'"):
        MobileNetV2().load_imagenet(_only_classifier(tmp_path))


def _only_classifier(folder: Path) -> Path:
    path = folder / "half.pt"
    torch.save({"classifier.1.weight": torch.zeros(1000, 1280)}, path)
    return path
