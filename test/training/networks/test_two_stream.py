"""TwoStreamNet: shapes, both streams in use, export."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from random_weights import random_mobilenet, random_vgg16  # noqa: E402

from training.networks.backbones import MobileNetV2, Vgg16, read_weights  # noqa: E402
from training.networks.two_stream import TwoStreamNet, build_network  # noqa: E402
from wsvs_ros.errors import WsvsError  # noqa: E402


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> TwoStreamNet:
    weights = random_mobilenet(tmp_path_factory.mktemp("weights") / "w.safetensors")
    return build_network("mobilenet_v2", classes=5, window_length=10, weights=weights).eval()


@pytest.mark.parametrize("size", [(96, 72), (120, 90), (64, 64)])
def test_scores_have_stride_8(network: TwoStreamNet, size: tuple[int, int]) -> None:
    width, height = size
    scores = network(torch.zeros(2, 3, height, width), torch.zeros(2, 20, height, width))
    assert scores.shape == (2, 5, -(-height // 8), -(-width // 8))
    assert torch.isfinite(scores).all()


def test_motion_changes_the_scores_and_extreme_motion_stays_finite(network: TwoStreamNet) -> None:
    image = torch.rand(1, 3, 72, 96) * 255
    still = network(image, torch.zeros(1, 20, 72, 96))
    moving = network(image, torch.full((1, 20, 72, 96), 5.0))
    assert not torch.allclose(still, moving)
    assert torch.isfinite(network(image, torch.full((1, 20, 72, 96), 1e6))).all()


def test_every_trainable_weight_gets_a_gradient(network: TwoStreamNet) -> None:
    image, flow = torch.rand(1, 3, 72, 96) * 255, torch.randn(1, 20, 72, 96)
    network(image, flow).log_softmax(1)[:, 0].mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
    network.zero_grad()


def test_single_stream_ignores_the_flow() -> None:
    network = build_network("mobilenet_v2", classes=3, window_length=10, weights=None, motion=False)
    image = torch.rand(1, 3, 72, 96) * 255
    assert torch.equal(network(image, torch.zeros(1, 20, 72, 96)), network(image, torch.ones(1, 20, 72, 96)))


def test_vgg16_is_the_other_choice() -> None:
    network = build_network("vgg16", classes=3, window_length=2, weights=None)
    assert network(torch.zeros(1, 3, 64, 64), torch.zeros(1, 4, 64, 64)).shape == (1, 3, 8, 8)


def test_unknown_backbone_names_the_known_ones() -> None:
    with pytest.raises(WsvsError, match="'resnet'.*mobilenet_v2 or vgg16"):
        build_network("resnet", classes=3, window_length=10, weights=None)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = random_mobilenet(tmp_path / "w.safetensors")
    with pytest.raises(WsvsError, match="w.safetensors: 0 feature convolutions found, VGG-16 has 13"):
        build_network("vgg16", classes=3, window_length=10, weights=weights)


def test_scores_begin_with_the_classifiers_where_classes_are_shared(tmp_path: Path) -> None:
    weights = random_mobilenet(tmp_path / "w.safetensors")
    shared = {1: (7,), 3: (817, 468)}
    torch.manual_seed(0)
    network = build_network(
        "mobilenet_v2", classes=5, window_length=2, weights=weights, head="imagenet", shared=shared
    ).eval()
    scores = network.appearance_scores
    assert scores.weight.shape == (5, 1280, 1, 1)
    known = read_weights(weights)["classifier.1.weight"]
    assert torch.equal(scores.weight[1, :, 0, 0], known[7])
    assert torch.allclose(scores.weight[3, :, 0, 0], known[[817, 468]].mean(0))
    assert scores.weight[[0, 2, 4]].std().item() == pytest.approx(0.1, rel=0.05)
    assert network(torch.zeros(1, 3, 72, 96), torch.zeros(1, 4, 72, 96)).shape == (1, 5, 9, 12)

    # what the appearance stream then sees is what the classifier sees, before it pools
    whole = MobileNetV2(blocks=19, output_stride=16, centred=8)
    whole.load_imagenet(weights)
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    kept = network.appearance.top(network.appearance.features(image)[16])
    assert torch.allclose(kept, whole.features(image)[16], atol=1e-5)


def test_vgg16s_convolutional_top_is_its_classifier() -> None:
    """In the middle of a 224x224 image, the hidden layers see all of it, as in the classifier."""
    torch.manual_seed(0)
    network = Vgg16(top="imagenet").eval()
    fifth = torch.rand(1, 512, 14, 14)
    hidden = [module for module in network.top if isinstance(module, torch.nn.Conv2d)]
    for layer in hidden:
        torch.nn.init.normal_(layer.weight, std=0.01)
    with torch.no_grad():
        pooled = torch.nn.functional.max_pool2d(fifth, 2).flatten(1)
        sixth = torch.relu(torch.nn.functional.linear(pooled, hidden[0].weight.flatten(1), hidden[0].bias))
        seventh = torch.relu(torch.nn.functional.linear(sixth, hidden[1].weight.flatten(1), hidden[1].bias))
        found = network.top(fifth)
    assert found.shape == (1, 4096, 14, 14)
    assert torch.allclose(found[:, :, 6, 6], seventh, atol=1e-4)


def test_a_file_without_the_classifier_is_named(tmp_path: Path) -> None:
    weights = random_vgg16(tmp_path / "vgg.pt")
    with pytest.raises(WsvsError, match=r"vgg\.pt: no tensor 'classifier\.0\.weight'"):
        build_network("vgg16", classes=5, window_length=1, weights=weights, motion=False, head="imagenet")
