"""Labels predicted from motion segments and the network's answer, on a rendered drive and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")
pytest.importorskip("maxflow", reason="graph cuts need PyMaxflow: pip install 'wsvs_ros[train]'")
pytest.importorskip("pydantic", reason="training needs pydantic: pip install 'wsvs_ros[train]'")

from torch.nn import functional as F  # noqa: E402

from training.config.cues import EmAdapt, Motion  # noqa: E402
from training.cues.em_adapt.labels import em_adapt_labels  # noqa: E402
from training.cues.motion.label_prediction import Prediction, predict_labels  # noqa: E402
from training.networks.marks import BACKGROUND, FOREGROUND, NONE  # noqa: E402
from wsvs_ros.drives.synthetic import SyntheticDrive  # noqa: E402
from wsvs_ros.errors import WsvsError  # noqa: E402

CAR = 8


def predict(log_probabilities: Any, colours: Any, segments: Any, tags: Any = None, **others: Any) -> Prediction:
    batch, classes = log_probabilities.shape[:2]
    settings_ = {"foreground": [1], "shots": torch.zeros(batch).long(), "frames": torch.arange(batch), **others}
    shares = settings_.pop("shares", EmAdapt())
    motion = settings_.pop("settings", Motion())
    tags = torch.ones(batch, classes).bool() if tags is None else tags
    return predict_labels(log_probabilities, colours, segments, tags, settings=motion, shares=shares, **settings_)


def unsure(batch: int, classes: int, grid: tuple[int, int]) -> Any:
    return torch.full((batch, classes, *grid), -float(np.log(classes)))


@pytest.fixture(scope="module")
def shot() -> tuple[Any, Any, np.ndarray]:
    """Seven frames with a car close by: colours and true car on the grid of scores, and the car in pixels."""
    frames = list(SyntheticDrive((480, 360), frames=33, seed=5, fps=10).truth())[26:33]
    image = torch.from_numpy(np.stack([each.frame.image[..., ::-1] for each in frames]).copy()).permute(0, 3, 1, 2)
    car = np.stack([each.labels == CAR for each in frames]).astype(np.uint8)
    return F.interpolate(image.float(), size=(45, 60), mode="area"), on_grid(car), car


def on_grid(masks: np.ndarray) -> Any:
    return F.interpolate(torch.from_numpy(masks)[:, None].float(), size=(45, 60), mode="area")[:, 0] > 0.5


def iou(found: Any, truth: Any) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def network_of(truth: Any) -> Any:
    """A network that has learnt where about the car is: a blob beside it, as EM-Adapt's are."""
    blob = F.avg_pool2d(torch.roll(truth.float(), (1, -2), (1, 2))[:, None], 9, 1, 4)[:, 0] * 0.8 + 0.05
    return torch.stack([1 - blob, blob], 1).log()


@pytest.mark.parametrize("damage", ["eroded", "shifted"])
def test_labels_are_better_than_the_segments_and_the_network(shot: tuple[Any, Any, np.ndarray], damage: str) -> None:
    colours, truth, car = shot
    worse = np.stack([cv2.erode(mask, np.ones((17, 17), np.uint8)) for mask in car])
    if damage == "shifted":
        worse = np.roll(car, (8, 16), (1, 2))
    segments = on_grid(worse)
    network = network_of(truth)
    assert iou(segments, truth) < 0.7
    assert iou(network.argmax(1) == 1, truth) < 0.7
    found = predict(network, colours, torch.where(segments, FOREGROUND, BACKGROUND))
    assert iou(found.labels == 1, truth) > 0.8
    assert found.energies.shape[0] == Motion().rounds
    assert (found.energies.diff(dim=0) <= 1e-6 * found.energies[1:].abs()).all()
    assert (found.energies[-1] < found.energies[0]).all()  # learning the colours anew is worth its time


def test_real_frames(shared_data: Path) -> None:
    """A car seen from ever new sides, its segments in the wrong place."""
    clip = shared_data / "labelled_video" / "davis_car-shadow"
    files = sorted((clip / "images").iterdir())[::8]
    image = np.stack([cv2.resize(cv2.imread(str(file)), (480, 360))[..., ::-1] for file in files])
    masks = [cv2.imread(str(clip / "masks" / f"{file.stem}.png"), cv2.IMREAD_GRAYSCALE) for file in files]
    car = np.stack([cv2.resize(mask, (480, 360), interpolation=cv2.INTER_NEAREST) > 0 for mask in masks])
    colours = F.interpolate(torch.from_numpy(image.copy()).permute(0, 3, 1, 2).float(), size=(45, 60), mode="area")
    truth, segments = on_grid(car.astype(np.uint8)), on_grid(np.roll(car, (8, 16), (1, 2)).astype(np.uint8))
    found = predict(network_of(truth), colours, torch.where(segments, FOREGROUND, BACKGROUND))
    assert iou(found.labels == 1, truth) > max(iou(segments, truth), iou(network_of(truth).argmax(1) == 1, truth))
    assert (found.energies.diff(dim=0) <= 1e-6 * found.energies[1:].abs()).all()


def test_a_frame_learns_the_colours_from_the_other_frames_of_its_shot(shot: tuple[Any, Any, np.ndarray]) -> None:
    """Where motion segmentation lost the car, the colours of the frames around it find it again."""
    colours, truth, _ = shot
    segments = truth.clone()
    segments[3] = False
    marks = torch.where(segments, FOREGROUND, BACKGROUND)
    together = predict(network_of(truth), colours, marks).labels[3] == 1
    alone = predict(network_of(truth), colours, marks, shots=torch.tensor([0, 0, 0, -1, 0, 0, 0])).labels[3] == 1
    assert iou(together, truth[3]) > 0.8
    assert iou(alone, truth[3]) < 0.5


def test_a_frame_without_a_segment_takes_em_adapts_labels(shot: tuple[Any, Any, np.ndarray]) -> None:
    colours, truth, _ = shot
    segments = torch.where(truth, FOREGROUND, BACKGROUND)
    segments[2] = NONE
    network = network_of(truth)
    found = predict(network, colours, segments, shares=EmAdapt(object_share=0.3))
    expected = em_adapt_labels(network, torch.ones(7, 2).bool(), [1], EmAdapt(object_share=0.3))
    assert (found.labels[2] == expected[2]).all()
    assert found.energies[:, 2].isnan().all()
    assert not found.energies[:, :2].isnan().any()
    assert iou(found.labels[1] == 1, truth[1]) > 0.8


def test_only_tagged_classes_compete() -> None:
    torch.manual_seed(0)
    log_probabilities = torch.randn(3, 5, 12, 16).log_softmax(1)
    colours = torch.rand(3, 3, 12, 16) * 255
    segments = torch.where(torch.rand(3, 12, 16) < 0.3, FOREGROUND, BACKGROUND)
    tags = torch.tensor([[True, False, True, True, False], [False, True, False, False, True], [False] * 5])
    found = predict(log_probabilities, colours, segments, tags, foreground=[2, 3, 4])
    assert set(found.labels[0].flatten().tolist()) <= {0, 2, 3}
    assert set(found.labels[1].flatten().tolist()) <= {1, 4}
    assert (found.labels[2] == NONE).all()


def test_several_objects_share_the_foreground_by_what_the_network_sees() -> None:
    colours = torch.full((1, 3, 12, 20), 40.0)
    colours[:, :, 3:9, 2:8] = colours[:, :, 3:9, 12:18] = 200.0
    moving = colours[:, 0] > 100
    likely = torch.full((1, 3, 12, 20), 0.2)
    likely[:, 1, :, :10] = likely[:, 2, :, 10:] = 0.4
    found = predict(
        likely.log(),
        colours,
        torch.where(moving, FOREGROUND, BACKGROUND),
        foreground=[1, 2],
        settings=Motion(boundary=0),
    ).labels[0]
    expected = torch.zeros(12, 20).long()
    expected[3:9, 2:8], expected[3:9, 12:18] = 1, 2
    assert (found == expected).all()


def test_hard_labels_are_the_segments() -> None:
    segments = torch.full((2, 4, 6), BACKGROUND)
    segments[:, 1:3, 1:5] = FOREGROUND
    segments[:, :, 5] = NONE
    log_probabilities = unsure(2, 4, (4, 6)).clone()
    log_probabilities[:, 3, :, 3:] += 1
    tags = torch.tensor([[True, True, False, False], [True, False, True, True]])
    found = predict(
        log_probabilities, torch.zeros(2, 3, 4, 6), segments, tags, foreground=[1, 2, 3], settings=Motion(hard=True)
    ).labels
    one = [[0] * 5 + [NONE], [0, 1, 1, 1, 1, NONE], [0, 1, 1, 1, 1, NONE], [0] * 5 + [NONE]]
    several = [[0] * 5 + [NONE], [0, 2, 2, 3, 3, NONE], [0, 2, 2, 3, 3, NONE], [0] * 5 + [NONE]]
    assert found.tolist() == [one, several]


def test_a_network_that_diverged_is_told_so() -> None:
    with pytest.raises(WsvsError, match="lower optimiser.lr"):
        predict(unsure(1, 2, (4, 4)) * float("nan"), torch.zeros(1, 3, 4, 4), torch.full((1, 4, 4), FOREGROUND))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.integers(2, 5),
    levels=st.sampled_from([1, 3, 256]),
    moving=st.floats(0, 1),
    unknown=st.sampled_from([0.0, 0.3, 0.9]),
    alpha=st.sampled_from([0.0, 1.0, 2.0]),
)
def test_the_energy_never_rises(
    seed: int, classes: int, levels: int, moving: float, unknown: float, alpha: float
) -> None:
    """Over all rounds, also where a side has no cell, all cells one colour, and frames different shots."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    colours = torch.tensor(rng.integers(0, levels, (4, 3, 6, 7)) * (255 // levels)).float()
    segments = torch.tensor(
        rng.choice([FOREGROUND, BACKGROUND, NONE], (4, 6, 7), p=np.array([moving, 1 - moving, unknown]) / (1 + unknown))
    )
    found = predict(
        torch.randn(4, classes, 6, 7).log_softmax(1),
        colours,
        segments,
        torch.tensor(rng.random((4, classes)) < 0.8),
        foreground=list(range(1, classes)),
        shots=torch.tensor([0, 0, 1, -1]),
        frames=torch.tensor([3, 40, 7, 0]),
        settings=Motion(rounds=6, components=3, alpha=alpha),
    )
    energies = found.energies[:, ~found.energies.isnan().any(0)]
    assert (energies.diff(dim=0) <= 1e-7 * (1 + energies[1:].abs())).all()
