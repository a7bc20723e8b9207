"""Configurations: the committed ones load, mistakes are named by file, key and value."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytest.importorskip("pydantic", reason="training needs pydantic: pip install 'wsvs_ros[train]'")

from training.config import ConfigError, load_config
from training.config.ilsvrc import kinds
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


@pytest.mark.parametrize("name", ["paper_camvid", "bf_cityscapes", "bf_yto"])
def test_the_papers_network_is_asked_for_every_tag(name: str) -> None:
    """BF eq. 2 knows no masks: classes that are known by their tag alone are asked for as well."""
    config = load_config(FOLDER / f"{name}.yaml")
    assert config.losses.ask_all
    assert config.losses.area_power == 0
    assert config.departures


def test_kinds_of_ilsvrc_are_named_or_numbered() -> None:
    overrides = ["heatmaps.foreground={car: [bus, 5], sign: cat, pole: 7}"]
    heatmaps = load_config(FOLDER / "light.yaml", overrides).heatmaps
    assert heatmaps is not None
    assert heatmaps.foreground == {"car": (779, 874, 654, 5), "sign": (281, 282, 283, 284, 285), "pole": (7,)}


def test_no_list_of_classes_stands_twice() -> None:
    """Those of several indices: what two configurations mean has one name."""
    lists = [
        tuple(sorted(entry))
        for path in sorted(FOLDER.rglob("*.yaml"))
        for entry in ((yaml.safe_load(path.read_text()).get("heatmaps") or {}).get("foreground") or {}).values()
        if isinstance(entry, list) and all(isinstance(each, int) for each in entry)
    ]
    named = [tuple(sorted(indices)) for indices in kinds().values()]
    assert len({*lists, *named}) == len([*lists, *named])


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
        (
            "heatmaps.foreground.car=[lorry]",
            "heatmaps.foreground.car: .*'lorry' is neither an index of ILSVRC nor one of",
        ),
        ("heatmaps.foreground.car=[1000]", "heatmaps.foreground.car.0: .*less than 1000, got 1000"),
        ("seed", "write section.key=value"),
        ("seed.x=1", "seed is a value, not a section"),
        ("seed=[", "the value is not YAML"),
    ],
)
def test_mistakes_are_named(override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_config(CONFIGS[0], [override])


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_configuration_extends_others_key_by_key(tmp_path: Path) -> None:
    write(
        tmp_path / "parts" / "deep.yaml", "seed: 1\nname: deep\nlosses: {tag: 0.5, lse_r: 4}\ndata: {weights: deep}\n"
    )
    parts = (
        "extends: deep.yaml\nlosses: {tag: 0.25, crf: 0.5}\nheatmaps: {foreground: {car: [1, 2]}, scales: [1.0, 2.0]}\n"
    )
    write(tmp_path / "parts" / "middle.yaml", parts)
    write(tmp_path / "other.yaml", "losses: {crf: 0.75}\ndata: {sources: [here]}\n")
    top = "extends: [parts/middle.yaml, other.yaml]\nname: top\nheatmaps: {scales: [3.0], foreground: {sign: [3]}}\n"
    config = load_config(write(tmp_path / "top.yaml", top), ["losses.area_power=1"])
    assert (config.name, config.seed) == ("top", 1)
    assert (config.losses.tag, config.losses.lse_r, config.losses.crf, config.losses.area_power) == (0.25, 4, 0.75, 1)
    assert (config.data.weights, config.data.sources) == (Path("deep"), ("here",))
    assert config.heatmaps is not None
    assert config.heatmaps.scales == (3.0,)  # lists are replaced
    assert config.heatmaps.foreground == {"car": (1, 2), "sign": (3,)}
    without = load_config(write(tmp_path / "without.yaml", "extends: top.yaml\nheatmaps: null\nlosses: {heatmap: 0}\n"))
    assert without.heatmaps is None


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a": "extends: a.yaml"}, r"a\.yaml, which extends .*a\.yaml: a configuration cannot extend itself"),
        (
            {"a": "extends: b/b.yaml", "b/b": "extends: ../c.yaml", "c": "extends: b/b.yaml"},
            r"a\.yaml, which extends .*b\.yaml, which extends .*c\.yaml, which extends .*b\.yaml: .* extend itself",
        ),
        (
            {"a": "extends: b.yaml", "b": "extends: none.yaml"},
            r"a\.yaml, which extends .*b\.yaml, which extends .*none\.yaml: cannot be read as YAML: .*No such file",
        ),
        ({"a": "extends: b.yaml", "b": "[1]"}, r"a\.yaml, which extends .*b\.yaml: a mapping of settings is needed"),
        (
            {"a": "extends: {b: c}"},
            r"a\.yaml: extends: the name of a file or a list of names is needed, got \{'b': 'c'\}",
        ),
        ({"a": "extends: [1]"}, r"a\.yaml: extends: the name of a file or a list of names is needed, got \[1\]"),
    ],
)
def test_what_cannot_be_extended_is_named_with_its_chain(tmp_path: Path, files: dict[str, str], says: str) -> None:
    for name, text in files.items():
        write(tmp_path / f"{name}.yaml", text)
    with pytest.raises(ConfigError, match=says):
        load_config(tmp_path / "a.yaml")


def test_what_two_files_extend_lies_beneath_both(tmp_path: Path) -> None:
    write(tmp_path / "base.yaml", "name: base\nseed: 1\ndata: {weights: w}\nlosses: {heatmap: 0}\n")
    write(tmp_path / "b.yaml", "extends: base.yaml\nseed: 2\n")
    write(tmp_path / "c.yaml", "extends: base.yaml\nthreads: 3\n")
    config = load_config(write(tmp_path / "a.yaml", "extends: [b.yaml, c.yaml]\n"))
    assert (config.name, config.seed, config.threads) == ("base", 2, 3)


def test_a_mistake_is_told_of_the_file_that_made_it(tmp_path: Path) -> None:
    write(tmp_path / "base.yaml", "name: base\ndata: {weights: w}\nlosses: {heatmap: 0, tag: -1}\nseed: x\n")
    top = write(tmp_path / "top.yaml", "extends: base.yaml\nseed: y\n")
    with pytest.raises(ConfigError) as told:
        load_config(top, ["threads=many"])
    lines = str(told.value).splitlines()
    assert {line.split(":")[1].strip(): Path(line.split(":")[0]).name for line in lines} == {
        "losses.tag": "base.yaml",
        "seed": "top.yaml",
        "threads": "top.yaml",
    }


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("[1]")
    with pytest.raises(ConfigError, match=r"list.yaml: a mapping of settings is needed, got list"):
        load_config(tmp_path / "list.yaml")
