"""Ablation: variants of one configuration, measured and laid beside the paper's rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")


from training import ablate
from training.config import ConfigError, load_config
from wsvs_ros.perception.labels import LabelSet

CONFIGS = Path(__file__).resolve().parents[2] / "training" / "configs"
ABLATIONS = sorted([*CONFIGS.glob("ablation_*.yaml"), *CONFIGS.glob("cues_*.yaml")])


def test_an_ablation_trains_each_variant_once_and_sets_the_papers_row_beside_it(
    work: Path, config: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper = {"miou": 31.1, "class_accuracy": 50.2, "global_accuracy": 67.4, "per_class": {"sky": 84.2}}
    content = {
        "title": "the street",
        "base": str(config),
        "overrides": ["optimiser.steps=3"],
        "drive": str(labelled),
        "labels": str(labelled / "labels"),
        "fps": 10,
        "vehicles": [
            {"name": "street", "images": str(labelled / "images"), "masks": str(labelled / "cars"), "fps": 10}
        ],
        "seeds": [0, 1],
        "variants": [
            {"name": "One stream", "overrides": ["streams=appearance", "losses.heatmap=0"]},
            {"name": "Tags", "overrides": ["losses.heatmap=0"], "paper": paper},
        ],
    }
    path = tmp_path / "ablation_street.yaml"
    path.write_text(yaml.safe_dump(content))
    (tmp_path / "out" / "caches").mkdir(parents=True)
    (tmp_path / "out" / "caches" / "drives").symlink_to(work / "drives")
    arguments = [str(path), "--work", str(tmp_path / "out")]
    assert ablate.main(arguments) == 0
    table = (tmp_path / "out" / "table.md").read_text()
    assert table in capsys.readouterr().out
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    assert rows[0][:5] == ["the street", "mIoU", "class acc.", "global acc.", "sky"]
    assert [row[0] for row in rows[2:]] == [
        "One stream",
        "One stream, with CRF",
        "Tags",
        "Tags, with CRF",
        "*Tags, the paper*",
    ]
    assert rows[-1][1:6] == ["31.1", "50.2", "67.4", "84.2", "-"]
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert rows[0][-1] == "vehicles, street"
    assert rows[-1][-1] == "-"
    assert all(0 <= run[crf]["vehicles"]["street"] <= 1 for run in figures["Tags"] for crf in ("plain", "crf"))
    shares = [100 * run["plain"]["miou"] for run in figures["Tags"]]
    assert rows[4][1].startswith(f"{sum(shares) / 2:.1f} ±")

    trained = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("last.ckpt")}
    assert len(trained) == 4
    assert ablate.main(arguments) == 0  # nothing is left to do
    assert {path: path.stat().st_mtime_ns for path in trained} == trained


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda path: path.stem)
def test_committed_ablations_name_real_settings_and_classes(path: Path) -> None:
    ablation = ablate.load_ablation(path)
    for variant in ablation.variants:
        config = load_config(path.parent / ablation.base, [*ablation.overrides, *variant.overrides])
        shared = config.heatmaps.foreground if config.heatmaps else {}
        assert set(shared) <= set(LabelSet.load(config.labels).names)
        if variant.paper:
            names = LabelSet.load(config.labels).names
            each = variant.paper.per_class
            assert not set(names) - set(each) - {"background"} or not each
            assert set(each) <= set(names)
        if variant.paper and variant.paper.per_class:
            mean = sum(each.values()) / len(each)
            # every figure is rounded, and MC's mean is one of five models
            assert mean == pytest.approx(variant.paper.miou, abs=0.15)


def test_a_mistake_in_an_ablation_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("title: x\nbase: light.yaml\ndrive: d\nlabels: l\nvariants: [{nam: y}]\n")
    with pytest.raises(ConfigError, match=r"a\.yaml: variants\.0\.name: Field required"):
        ablate.load_ablation(path)
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        ablate.load_ablation(tmp_path / "none.yaml")
