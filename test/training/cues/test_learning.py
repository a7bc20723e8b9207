"""What a training step learns from EM-Adapt and from motion segments, on a rendered drive."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from random_weights import random_mobilenet

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")
pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")
pytest.importorskip("maxflow", reason="graph cuts need PyMaxflow: pip install 'wsvs_ros[train]'")

from training.config import Config, load_config  # noqa: E402
from training.cues.registry import cue_of  # noqa: E402
from training.datasets.sample import Sample, Shot  # noqa: E402
from training.datasets.training_set import WholeFrames  # noqa: E402
from training.networks.marks import BACKGROUND, FOREGROUND, NONE  # noqa: E402
from training.networks.module import WeaklySupervised  # noqa: E402
from training.running.train import train  # noqa: E402
from wsvs_ros.drives.synthetic import SyntheticDrive, SyntheticFrame  # noqa: E402

LIGHT = Path(__file__).parents[3] / "training" / "configs" / "light.yaml"
SIZE = (208, 160)
CAR = 8


@pytest.fixture(scope="module")
def label_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "street.yaml"
    classes = [{"name": "background", "color": [0, 0, 0]}, {"name": "car", "color": [255, 0, 0], "vehicle": True}]
    path.write_text(yaml.safe_dump({"name": "street", "classes": classes}))
    return path


@pytest.fixture(scope="module")
def frames() -> list[SyntheticFrame]:
    return list(SyntheticDrive(SIZE, frames=33, seed=5, fps=10).truth())[28:33]


def samples_of(frames: list[SyntheticFrame]) -> list[Sample]:
    def load_shot(first: int, stop: int) -> np.ndarray:
        return np.stack([each.frame.image[..., ::-1] for each in frames[first:stop]])

    return [
        Sample(
            key=f"street/{number:04d}",
            tags=np.array([True, True]),
            load_image=lambda each=each: each.frame.image[..., ::-1].copy(),
            shot=Shot("street/0", "street", len(frames), load_shot),
            frame=number,
        )
        for number, each in enumerate(frames)
    ]


def masks_of(frames: list[SyntheticFrame], folder: Path) -> Path:
    """True cars as motion segments on a grid of 4 pixels; the last frame has none."""
    (folder / "street").mkdir(parents=True)
    for number, each in enumerate(frames):
        moving = each.labels[::4, ::4] == CAR
        marks = (
            np.where(moving, FOREGROUND, BACKGROUND) if number < len(frames) - 1 else np.full_like(moving, NONE, int)
        )
        np.save(folder / "street" / f"{number:04d}.npy", marks.astype(np.uint8))
    return folder


def configuration(label_set: Path, *overrides: str) -> Config:
    common = [f"labels={label_set}", "heatmaps=null", "losses.tag=0", "optimiser.frozen_blocks=0", "window.length=1"]
    return load_config(LIGHT, [*common, f"working_size=[{SIZE[0]},{SIZE[1]}]", *overrides])


def batch_of(frames: list[SyntheticFrame], masks: Path | None) -> dict[str, Any]:
    whole = WholeFrames(samples_of(frames), masks, length=1)
    return torch.utils.data.default_collate([whole[index] for index in range(len(whole))])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_mobilenet(tmp_path_factory.mktemp("weights") / "random.safetensors")


@pytest.mark.parametrize(("cue", "steps"), [("em_adapt", 8), ("motion", 28)])
def test_the_loss_of_training_steps_falls(
    cue: str, steps: int, label_set: Path, weights: Path, frames: list[SyntheticFrame], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    batch = batch_of(frames, masks_of(frames, tmp_path) if cue == "motion" else None)
    config = configuration(label_set, f"cue={cue}", f"data.weights={weights}")
    module = WeaklySupervised(config, cue_of(config).loss(config)).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        loss = module.training_step(batch, 0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-3:]) < 0.6 * losses[0]
    if cue == "motion":
        truth = torch.from_numpy(np.stack([each.labels[4::8, 4::8] == CAR for each in frames]))
        found = module.network(batch["image"], batch["flow"]).argmax(1) == 1
        assert float((found & truth).sum() / (found | truth).sum()) > 0.4


def test_the_network_learns_the_predicted_labels_and_not_the_prediction(
    label_set: Path, frames: list[SyntheticFrame], tmp_path: Path
) -> None:
    """Of labels there is no gradient: it is that of a cross entropy with constants."""
    batch = batch_of(frames[:3], masks_of(frames[:4], tmp_path))
    scores = torch.randn(3, 2, 20, 26, requires_grad=True)
    config = configuration(label_set, "cue=motion")
    cue_of(config).loss(config)(scores.log_softmax(1), torch.zeros(()), batch).backward()
    gradient = scores.grad * scores[:, 0].numel()
    labels = (scores.softmax(1) - gradient).detach()
    torch.testing.assert_close(labels, labels.round(), atol=1e-4, rtol=0)


def test_rare_objects_weigh_as_much_as_frequent_ones(frames: list[SyntheticFrame], tmp_path: Path) -> None:
    """MC 4.2: here twice as many frames show cars as show pedestrians."""
    batch = batch_of(frames[:2], masks_of(frames[:3], tmp_path))
    tags = torch.zeros(2, 11).bool()
    tags[:, 3] = tags[:, 8] = True
    batch["tags"] = tags
    config = load_config(LIGHT, ["cue=motion", "foreground=[car, pedestrian]", "motion.hard=true"])
    log_probabilities = torch.full((2, 11, 20, 26), -float(np.log(11)))
    counts = [100] * 11
    counts[9] = 50
    alike = cue_of(config).loss(config)(log_probabilities, torch.zeros(()), batch)
    weighted = cue_of(config).loss(config, counts)(log_probabilities, torch.zeros(()), batch)
    moving = float((batch["labels"] == FOREGROUND).float().mean())
    assert moving > 0.01
    assert float(alike) == pytest.approx(np.log(11), rel=1e-4)
    assert float(weighted) == pytest.approx(np.log(11) * (1 - moving / 2), rel=1e-4)


def test_em_adapt_trains_without_any_mask(
    label_set: Path, weights: Path, frames: list[SyntheticFrame], tmp_path: Path
) -> None:
    settings = ["cue=em_adapt", "optimiser.steps=3", "optimiser.batch_size=2", "runtime.workers=0", "heatmaps=null"]
    config = configuration(label_set, *settings, "augmentation.crop=[96,96]", f"data.weights={weights}")
    samples = samples_of(frames)
    cue = cue_of(config)
    assert cue.make_masks(config, samples, tmp_path) is None
    checkpoint = train(config, samples, None, tmp_path / "work", loss=partial(cue.loss, config))
    assert torch.load(checkpoint, weights_only=True)["global_step"] == 3
