"""The training step: which losses it adds up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")
pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")

from training.config import Config, load_config  # noqa: E402
from training.cues.registry import cue_of  # noqa: E402
from training.networks.losses import crf_loss, tag_loss  # noqa: E402
from training.networks.module import WeaklySupervised  # noqa: E402
from training.networks.schedule import learning_rate_share  # noqa: E402
from wsvs_ros.perception.crf import CrfSettings, create_crf  # noqa: E402

LIGHT = Path(__file__).parents[3] / "training" / "configs" / "light.yaml"


def module_of(config: Config) -> WeaklySupervised:
    return WeaklySupervised(config, cue_of(config).loss(config), pretrained=False)


def batch_of(size: tuple[int, int]) -> dict[str, torch.Tensor]:
    width, height = size
    torch.manual_seed(0)
    return {
        "image": torch.randint(0, 256, (2, 3, height // 8, width // 8))
        .float()
        .repeat_interleave(8, 2)
        .repeat_interleave(8, 3),
        "flow": torch.randn(2, 20, height, width),
        "tags": torch.tensor([[True] * 6 + [False] * 5] * 2),
        "labels": torch.randint(0, 6, (2, height // 8, width // 8)),
    }


def test_the_crf_loss_is_that_of_the_crf_at_the_scores_resolution() -> None:
    batch = batch_of((64, 48))
    module = module_of(load_config(LIGHT, ["losses.crf=2", "crf.bilateral_srgb=20"])).eval()
    without = module_of(load_config(LIGHT)).eval()
    without.load_state_dict(module.state_dict())
    log_probabilities = module.network(batch["image"], batch["flow"]).log_softmax(1)
    # squares of 8 pixels of one colour: at the scores' stride of 8 exactly one pixel each
    grid = batch["image"][:, :, ::8, ::8].byte().permute(0, 2, 3, 1).numpy()
    crf = create_crf(CrfSettings(5, bilateral_srgb=20).scaled(1 / 8))
    scores = log_probabilities.detach().exp().numpy()
    refined = np.stack([crf(one, np.ascontiguousarray(image)) for one, image in zip(scores, grid, strict=True)])
    expected = 2 * crf_loss(log_probabilities, torch.from_numpy(refined))
    added = module.training_step(batch, 0) - without.training_step(batch, 0)
    assert float(expected.detach()) > 1e-4
    assert float(added.detach()) == pytest.approx(float(expected.detach()), rel=1e-3)
    added.backward()
    assert all(p.grad is not None for p in module.parameters() if p.requires_grad)


def test_the_crf_loss_sets_in_at_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of((64, 48))
    later = module_of(load_config(LIGHT, ["losses.crf=2", "losses.crf_from=1"])).eval()
    never = module_of(load_config(LIGHT)).eval()
    never.load_state_dict(later.state_dict())
    assert float(later.training_step(batch, 0).detach()) == float(never.training_step(batch, 0).detach())
    monkeypatch.setattr(WeaklySupervised, "global_step", 1)
    assert float(later.training_step(batch, 0).detach()) > float(never.training_step(batch, 0).detach())


def test_the_losses_keep_their_bits_under_mixed_precision() -> None:
    """As Lightning runs a step with `runtime.precision: bf16-mixed`."""
    batch = batch_of((64, 48))
    module = module_of(load_config(LIGHT, ["losses.crf=2"])).eval()
    exact = float(module.training_step(batch, 0).detach())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = module.training_step(batch, 0)
        module.validation_step(batch, 0)
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(exact, rel=0.02)  # the network's scores are rounded, nothing else
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.requires_grad)


def test_the_learning_rate_follows_from_the_step() -> None:
    falling = load_config(LIGHT, ["optimiser.steps=100"]).optimiser
    assert [learning_rate_share(falling, step) for step in (0, 50, 100, 101)] == pytest.approx([1, 0.5**0.9, 0, 0])
    longer = falling.model_copy(update={"steps": 200})
    assert learning_rate_share(longer, 100) == pytest.approx(0.5**0.9)


def test_the_papers_optimiser_falls_in_steps() -> None:
    settings = ["optimiser.algorithm=sgd", "optimiser.schedule=step", "optimiser.step_every=3", "optimiser.lr=1e-5"]
    found = module_of(load_config(LIGHT, settings)).configure_optimizers()
    optimiser, schedule = found["optimizer"], found["lr_scheduler"]["scheduler"]
    assert isinstance(optimiser, torch.optim.SGD)
    assert optimiser.param_groups[0]["momentum"] == 0.9
    rates = []
    for _ in range(7):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates == pytest.approx([1e-5] * 3 + [1e-6] * 3 + [1e-7])


@pytest.mark.parametrize("ask_all", [True, False])
def test_without_heatmaps_the_tags_speak_of_what_is_seen(ask_all: bool) -> None:
    """No mask tells what a crop shows, so the tag does."""
    batch = batch_of((64, 48))
    batch["labels"].fill_(255)
    settings = ["losses.tag=1", "losses.ask_all=true"] if ask_all else ["losses.tag=1", "losses.heatmap=0"]
    tags = module_of(load_config(LIGHT, settings)).eval()
    log_probabilities = tags.network(batch["image"], batch["flow"]).log_softmax(1)
    expected = tag_loss(log_probabilities.exp(), batch["tags"], r=5)
    assert float(tags.training_step(batch, 0).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
