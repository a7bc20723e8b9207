"""Masks that are built into a classifier, against BP's equations by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")
pytest.importorskip("skimage", reason="regions need scikit-image: pip install 'wsvs_ros[train]'")

from random_weights import random_mobilenet  # noqa: E402

from training.cues.builtin.cam import (  # noqa: E402
    LocalisationNet,
    balanced_cross_entropy,
    class_activation_maps,
)
from training.cues.builtin.priors import (  # noqa: E402
    class_labels,
    foreground_labels,
    foreground_probability,
    multi_class_maps,
    smooth,
)
from training.networks.backbones import MobileNetV2, Vgg16  # noqa: E402
from training.networks.marks import BACKGROUND, FOREGROUND, NONE, class_masks  # noqa: E402
from wsvs_ros.perception.crf import CrfSettings  # noqa: E402

WEAK = CrfSettings(iterations=5, gaussian_compat=0.3, bilateral_sxy=40, bilateral_compat=1)


def test_the_probability_is_the_scaled_sum_of_two_blocks() -> None:
    torch.manual_seed(0)
    backbone = Vgg16().eval()
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (backbone.mean, backbone.std))
    maps = backbone.features((pixels - mean) / std)
    fourth, fifth = maps[8][0].mean(0), maps[16][0].mean(0)  # after a ReLU magnitudes are the values
    fifth = torch.nn.functional.interpolate(fifth[None, None], size=(8, 12), mode="bilinear")[0, 0]
    by_hand = fourth / fourth.max() + fifth / fifth.max()
    by_hand = (by_hand - by_hand.min()) / (by_hand.max() - by_hand.min())
    found = foreground_probability(backbone, image)
    assert torch.allclose(found, by_hand.detach(), atol=1e-5)
    assert (float(found.min()), float(found.max())) == (0.0, 1.0)


def test_a_network_that_fires_nowhere_knows_nothing() -> None:
    backbone = Vgg16().eval()
    for parameter in backbone.parameters():
        torch.nn.init.zeros_(parameter)
    assert (foreground_probability(backbone, np.zeros((32, 32, 3), np.uint8)) == 0.5).all()


def test_multi_class_maps_are_equations_2_to_5() -> None:
    cams = torch.tensor([[[1.0, 0.1]], [[0.5, 0.3]]])
    foreground = torch.tensor([[0.8, 0.4]])
    background, first, second = multi_class_maps(cams, foreground, alpha=0.5, threshold=0.2)
    # M_1 is above a fifth of its maximum on the left only, M_2 on both sides
    assert first.tolist() == [pytest.approx([0.5 * 0.8 + 0.5 * 1.0, 0.5 * 0.1])]
    assert second.tolist() == [pytest.approx([0.5 * 0.8 + 0.5 * 0.5, 0.5 * 0.4 + 0.5 * 0.3])]
    elsewhere = [1 - (1.0 + 0.5) / 2, 1 - (0.1 + 0.3) / 2]
    assert background.tolist() == [pytest.approx([0.5 * 0.2 + 0.5 * elsewhere[0], 0.5 * 0.6 + 0.5 * elsewhere[1]])]


def test_without_the_fusion_they_are_the_activation_maps() -> None:
    cams, foreground = torch.rand(3, 4, 5), torch.rand(4, 5)
    found = multi_class_maps(cams, foreground, alpha=0.0, threshold=0.2)
    assert torch.equal(found[1:], cams)
    assert torch.allclose(found[0], 1 - cams.mean(0))


def test_an_image_without_objects_is_background() -> None:
    maps = multi_class_maps(torch.zeros(0, 4, 5), torch.rand(4, 5), alpha=0.5, threshold=0.2)
    labels = class_labels(maps, [], np.zeros((32, 40, 3), np.uint8), WEAK, regions=True)
    assert (labels == BACKGROUND).all()


def square() -> tuple[np.ndarray, torch.Tensor]:
    """A red square on grey, and a probability that only knows its middle well."""
    image = np.full((96, 128, 3), 120, np.uint8)
    image[32:64, 48:96] = (200, 30, 30)
    foreground = torch.full((12, 16), 0.2)
    foreground[4:8, 6:12] = 0.55
    foreground[5:7, 7:11] = 1.0
    return image, foreground


@pytest.mark.parametrize("regions", [False, True])
def test_the_crf_finds_where_an_object_ends(regions: bool) -> None:
    image, foreground = square()
    labels = foreground_labels(foreground, image, WEAK, regions=regions)
    assert labels.shape == (48, 64)
    truth = np.zeros((48, 64), bool)
    truth[16:32, 24:48] = True
    found = labels == FOREGROUND
    assert ((labels == BACKGROUND) | found).all()
    assert (found & truth).sum() / (found | truth).sum() > 0.9


def test_a_region_wants_one_label() -> None:
    """A spot of another colour, too small for a region of its own, is of its region's label."""
    image = np.full((64, 64, 3), 90, np.uint8)
    image[:, 32:] = 200
    image[30:32, 16:18] = 160
    maps = torch.zeros(2, 32, 32)
    maps[1, :, :16] = maps[0, :, 16:] = 1.0
    maps[0, 15, 8], maps[1, 15, 8] = 1.0, 0.0
    sharp = CrfSettings(iterations=10, gaussian_compat=0, bilateral_sxy=40, bilateral_compat=10, region_max_cost=20)
    without, within = (smooth(maps, image, sharp, regions=each) for each in (False, True))
    assert without[15, 8] == 0
    assert within[15, 8] == 1
    assert torch.equal(within[:, 20:], without[:, 20:])


def test_class_labels_are_ids() -> None:
    image, foreground = square()
    maps = multi_class_maps(
        torch.stack([foreground, torch.zeros_like(foreground)]), foreground, alpha=0.5, threshold=0.2
    )
    labels = class_labels(maps, [7, 3], image, WEAK, regions=True)
    assert set(np.unique(labels)) == {7, BACKGROUND}
    assert labels[24, 36] == 7


def test_activation_maps_add_up_to_the_score() -> None:
    torch.manual_seed(0)
    network = LocalisationNet(MobileNetV2(blocks=14), classes=3).eval()
    image = torch.randint(0, 256, (2, 3, 64, 96)).float()
    maps = network.activation_maps(image)
    assert torch.allclose(maps.mean((2, 3)) + network.classify.bias, network(image), atol=1e-4)


def test_activation_maps_are_shares_of_their_maximum() -> None:
    torch.manual_seed(0)
    network = LocalisationNet(MobileNetV2(blocks=14), classes=4).eval()
    with torch.no_grad():
        network.classify.weight[2] = -network.classify.weight[2].abs()  # nothing speaks for the third class
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    found = class_activation_maps(network, image, torch.tensor([0, 2, 3]))
    raw = network.activation_maps(torch.from_numpy(image).permute(2, 0, 1)[None].float())[0]
    assert found.shape[0] == 3
    assert (found >= 0).all()
    assert found[1].max() == 0
    for index, number in ((0, 0), (2, 3)):
        if raw[number].max() > 0:
            assert float(found[index].max()) == pytest.approx(1.0)


def test_rare_and_common_classes_weigh_alike() -> None:
    scores = torch.zeros(10, 3)
    tags = torch.zeros(10, 3, dtype=torch.bool)
    tags[:9, 0] = tags[:1, 1] = tags[:, 2] = True
    frequency = tags.float().mean(0)
    scores.requires_grad_()
    loss = balanced_cross_entropy(scores, tags, frequency)
    assert float(loss.detach()) == pytest.approx(np.log(2), rel=1e-5)
    loss.backward()
    assert scores.grad is not None
    assert scores.grad[:, :2].sum(0).abs().max() < 1e-6  # those who show a class and those who do not, together
    assert (scores.grad[:, 2] == 0).all()  # a class that all show tells nothing


def test_marks_stand_for_all_classes_of_their_side() -> None:
    labels = torch.tensor([[[0, FOREGROUND, BACKGROUND, NONE]]])
    masks = class_masks(labels, 3, foreground=[1])
    assert masks[0, :, 0].tolist() == [
        [True, False, True, False],
        [False, True, False, False],
        [False, False, True, False],
    ]
    assert not class_masks(labels, 3)[0, :, 0, 1:].any()


def test_real_cars_are_where_the_classifier_fires(shared_data: Path) -> None:
    backbone = MobileNetV2(blocks=18).eval()
    backbone.load_imagenet(shared_data / "weights" / "mobilenet_v2_imagenet1k.safetensors")
    folder = shared_data / "labelled_video" / "davis_car-shadow"
    for name in ("00005", "00030"):
        image = cv2.resize(cv2.imread(str(folder / "images" / f"{name}.jpg"))[..., ::-1], (480, 270))
        truth = cv2.resize(cv2.imread(str(folder / "masks" / f"{name}.png"), 0), (240, 135)) > 127
        found = foreground_labels(foreground_probability(backbone, image), image, WEAK, regions=True) == FOREGROUND
        assert (found & truth).sum() / (found | truth).sum() > 0.5


def test_any_classifier_of_the_package_has_masks(tmp_path: Path) -> None:
    random_mobilenet(tmp_path / "weights.safetensors")
    backbone = MobileNetV2(blocks=18).eval()
    backbone.load_imagenet(tmp_path / "weights.safetensors")
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)  # sides no stride divides
    labels = foreground_labels(foreground_probability(backbone, image), image, WEAK, regions=False)
    assert labels.shape == (30, 45)
