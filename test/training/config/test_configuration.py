"""Configurations: the committed ones load, mistakes are named by file, key and value."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pydantic", reason="training needs pydantic: pip install 'wsvs_ros[train]'")

from training.config import ConfigError, load_config
from wsvs_ros.perception.labels import LabelSet

FOLDER = Path(__file__).resolve().parents[3] / "training" / "configs"
CONFIGS = sorted(path for path in FOLDER.glob("*.yaml") if not path.stem.startswith(("ablation_", "cues_")))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_committed_configurations_load(path: Path) -> None:
    config = load_config(path, ["seed=7", "data.root=/somewhere"])
    assert config.seed == 7
    assert config.path(config.data.weights).is_relative_to("/somewhere")
    shared = config.heatmaps.foreground if config.heatmaps else {}
    assert set(shared) <= set(LabelSet.load(config.labels).names)
    for name, indices in shared.items():
        assert len(set(indices)) == len(indices) > 0, name
        assert set(indices) <= set(range(1000)), name


def test_a_class_of_ilsvrc_begins_one_class_alone() -> None:
    for path in CONFIGS:
        heatmaps = load_config(path).heatmaps
        if heatmaps is not None:
            every = [index for indices in heatmaps.foreground.values() for index in indices]
            assert len(set(every)) == len(every), path


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("optimiser.steps=many", "optimiser.steps: .*integer.*, got 'many'"),
        ("optimiser.steps=0", "optimiser.steps: .*greater than or equal to 1, got 0"),
        ("optimiser.warmth=1", "optimiser.warmth: Extra inputs are not permitted"),
        ("backbone=resnet", "backbone: .*'mobilenet_v2' or 'vgg16', got 'resnet'"),
        ("heatmaps.threshold=2", "heatmaps.threshold: .*less than 1"),
        ("seed", "write section.key=value"),
        ("seed.x=1", "seed is a value, not a section"),
        ("seed=[", "the value is not YAML"),
    ],
)
def test_mistakes_are_named(override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_config(CONFIGS[0], [override])


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigError, match=r"list.yaml: a mapping of settings is needed, got list"):
        load_config(tmp_path / "list.yaml")
