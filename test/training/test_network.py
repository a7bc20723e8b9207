"""TwoStreamNet: shapes, both streams in use, export."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from random_weights import random_mobilenet  # noqa: E402

from training.network import TwoStreamNet, build_network  # noqa: E402
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
