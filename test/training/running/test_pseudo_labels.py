"""What a teacher's predictions become before the next network learns from them."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from torch import Tensor, nn  # noqa: E402

from training.running.pseudo_labels import pseudo_labels  # noqa: E402
from wsvs_ros.perception.crf import CrfSettings  # noqa: E402

NO_CRF = CrfSettings(iterations=0)
STILL = np.zeros((4, 48, 64), np.float32)


class Brightness(nn.Module):
    """A teacher of three classes: dark, bright, and one that it always likes best. It notes what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[Tensor, Tensor]] = []

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        self.shown.append((image, flow))
        light = nn.functional.avg_pool2d(image.mean(1, keepdim=True) / 255, 8, ceil_mode=True)
        return torch.cat([4 * (1 - light), 4 * light, torch.full_like(light, 9)], 1)


def halves() -> np.ndarray:
    """Dark on the left, bright on the right of column 36, (48, 64, 3)."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, 36:] = 255
    return image


def label(image: np.ndarray, tags: list[bool], **settings: object) -> np.ndarray:
    chosen = {"scales": (1.0,), "crf": NO_CRF, "confidence": 0.6, **settings}
    return pseudo_labels(Brightness(), image, STILL, np.array(tags), **chosen)  # type: ignore[arg-type]


def test_only_tagged_classes_occur() -> None:
    assert (label(halves(), [True, True, True]) == 2).all()
    labels = label(halves(), [True, True, False])
    assert labels.shape == (6, 8)
    assert labels.dtype == np.uint8
    assert (labels[:, :4] == 0).all()
    assert (labels[:, 5:] == 1).all()
    assert (label(halves(), [False, True, False]) == 1).all()


def test_doubtful_cells_have_no_label() -> None:
    gray = np.full((48, 64, 3), 140, np.uint8)
    assert (label(gray, [True, True, False]) == 255).all()
    assert (label(gray, [True, True, False], confidence=0.5) == 1).all()


class Displaced(Brightness):
    """The same a cell too far to the right, so that its view of the mirror image contradicts it around edges."""

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        return super().forward(image.roll(8, 3), flow)


def test_the_crf_moves_labels_to_the_edges_of_the_image() -> None:
    image = np.zeros((48, 96, 3), np.uint8)
    image[:, 40:] = 255
    flow = np.zeros((4, 48, 96), np.float32)
    tags = np.array([True, True, False])

    def label_by(crf: CrfSettings) -> np.ndarray:
        return pseudo_labels(Displaced(), image, flow, tags, scales=(1.0,), crf=crf, confidence=0.6)

    doubtful = label_by(NO_CRF)[:, 1:-1]  # what is displaced comes in again at the sides
    assert (doubtful[:, 3:5] == 255).all()
    refined = label_by(CrfSettings(5, bilateral_sxy=40))[:, 1:-1]
    assert refined.tolist() == [[0] * 4 + [1] * 6] * 6


def test_the_teacher_looks_at_every_scale_and_mirrored_with_the_flow_to_match() -> None:
    teacher = Brightness()
    random = np.random.default_rng(0)
    flow = np.full((4, 48, 64), 2, np.float32)
    flow[1::2] = 3
    image = random.integers(0, 256, (48, 64, 3), np.uint8)
    pseudo_labels(teacher, image, flow, np.ones(3, bool), scales=(1.0, 1.5), crf=NO_CRF, confidence=0.5)
    assert [shown.shape[2:] for shown, _ in teacher.shown] == [(48, 64)] * 2 + [(72, 96)] * 2
    for (straight, with_flow), (mirrored, against) in (teacher.shown[:2], teacher.shown[2:]):
        torch.testing.assert_close(mirrored, straight.flip(3))
        factor = straight.shape[3] / 64
        torch.testing.assert_close(with_flow[:, 0::2], torch.full_like(with_flow[:, 0::2], 2 * factor))
        torch.testing.assert_close(against[:, 0::2], torch.full_like(against[:, 0::2], -2 * factor))
        torch.testing.assert_close(against[:, 1::2], torch.full_like(against[:, 1::2], 3 * factor))
    assert (flow[0] == 2).all()
