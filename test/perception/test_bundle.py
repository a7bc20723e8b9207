from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from support import make_tiny_bundle

from wsvs_ros.perception.bundle import BundleError, FlowSettings, ModelBundle, Parity
from wsvs_ros.perception.labels import LabelSet

Edit = Callable[[dict[str, Any]], object]


def rewrite(path: Path, edit: Edit) -> None:
    config = path / "bundle.yaml"
    data = copy.deepcopy(yaml.safe_load(config.read_text()))
    edit(data)
    config.write_text(yaml.safe_dump(data))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written = ModelBundle.write(
        tmp_path / "models" / "mine",
        b"network",
        name="mine",
        labels=LabelSet.load("cityscapes19"),
        working_size=(640, 368),
        window_length=6,
        lookahead=3,
        flow=FlowSettings("dis", "balanced"),
        trained_on=["my drives"],
        metrics={"camvid val": {"miou": 0.25}},
        readme="# Mine\n",
    )
    loaded = ModelBundle.load(tmp_path / "models" / "mine")
    assert loaded == written
    assert loaded.working_size == (640, 368)
    assert (loaded.window_length, loaded.lookahead) == (6, 3)
    assert loaded.flow == FlowSettings("dis", "balanced")
    assert loaded.labels == LabelSet.load("cityscapes19")
    assert loaded.metrics["camvid val"] == {"miou": 0.25}
    assert loaded.model_path.read_bytes() == b"network"
    assert (loaded.path / "README.md").read_text() == "# Mine\n"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["mine"], "something was left aside"


def test_a_bundle_replaces_an_older_one_whole(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path / "tiny").path
    (path / "leftover").write_text("from an earlier version")
    make_tiny_bundle(path, length=4)
    assert ModelBundle.load(path).window_length == 4
    assert sorted(file.name for file in path.iterdir()) == ["README.md", "bundle.yaml", "model.onnx"]


def test_a_directory_that_is_no_bundle_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BundleError, match="exists and is not a model bundle"):
        make_tiny_bundle(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"length": 0}, "length: got 0, expected an integer from 1 to 100"),
        ({"lookahead": 6}, "lookahead: got 6, expected an integer from 0 to 5"),
        ({"size": (8, 8)}, r"working_size: got \[8, 8\], expected a list of 2 integers from 16 to 8192"),
    ],
)
def test_what_would_be_refused_is_not_written(tmp_path: Path, keywords: Any, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        make_tiny_bundle(tmp_path / "tiny", **keywords)
    assert not list(tmp_path.iterdir())


def test_metrics_that_yaml_cannot_hold_are_refused(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    with pytest.raises(BundleError, match="no plain text, number"):
        ModelBundle.write(
            tmp_path / "other",
            bundle.model_path,
            name="other",
            labels=bundle.labels,
            working_size=(96, 72),
            window_length=10,
            metrics={"miou": np.float64(0.5)},
        )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(schema=3), "schema: got 3, this version of wsvs_ros reads schema 1 and 2"),
        (lambda d: d.pop("schema"), "schema: got None"),
        (lambda d: d.pop("window"), "missing key window; expected keys: schema, models, outputs, name"),
        (lambda d: d.update(precision="fp16"), "unknown key precision; expected keys"),
        (lambda d: d.update(name=""), "name: got '', expected a text"),
        (
            lambda d: d["models"]["float32"].update(file="../model.onnx"),
            "file: got '../model.onnx', expected",
        ),
        (lambda d: d["models"]["float32"].update(sha256="abc"), "sha256: got 'abc', expected 64 hexadecimal digits"),
        (lambda d: d["models"]["float32"].update(sha256="0" * 64), "the model was altered or copied incompletely"),
        (lambda d: d["models"]["float32"].update(file="other.onnx"), "other.onnx: missing, but .*bundle.yaml names it"),
        (lambda d: d["labels"].pop("classes"), "labels: missing key classes"),
        (lambda d: d["labels"]["classes"][2].update(color="red"), r"labels: classes\[2\]: color: got 'red'"),
        (lambda d: d.update(working_size=[480]), r"working_size: got \[480\]"),
        (lambda d: d.update(working_size=[480, 360.5]), "working_size: got .*expected a list of 2 integers"),
        (lambda d: d["window"].update(length=True), "window: length: got True, expected an integer"),
        (
            lambda d: d["window"].update(lookahead=-1),
            "window: lookahead: got -1, expected",
        ),
        (lambda d: d["window"].update(stride=2), "window: unknown key stride"),
        (
            lambda d: d.update(flow="dis"),
            "flow: got 'dis', expected a mapping",
        ),
        (lambda d: d["inputs"].update(image="float32"), "inputs: image: got 'float32', expected uint8"),
        (lambda d: d["inputs"].update(depth="uint8"), "inputs: unknown key depth"),
        (lambda d: d.update(trained_on="camvid"), "trained_on: got 'camvid', expected a list"),
        (lambda d: d.update(metrics=None), "metrics: got nothing, expected a mapping"),
    ],
)
def test_a_bundle_that_does_not_match_is_refused_with_a_reason(tmp_path: Path, edit: Edit, message: str) -> None:
    path = make_tiny_bundle(tmp_path / "tiny").path
    rewrite(path, edit)
    with pytest.raises(BundleError, match=message) as caught:
        ModelBundle.load(path)
    assert str(path) in str(caught.value)


def test_a_bundle_of_version_0_1_is_read(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")

    def as_before(data: dict[str, Any]) -> None:
        data["schema"] = 1
        data["model"] = data.pop("models")["float32"]
        data.pop("outputs")

    rewrite(bundle.path, as_before)
    assert ModelBundle.load(bundle.path) == bundle


def test_all_files_of_a_bundle_are_written_verified_and_described(tmp_path: Path) -> None:
    tiny = make_tiny_bundle(tmp_path / "tiny")
    parity = {"float16": Parity(48, 0.25, 0.997, 0.91, "pole"), "program": Parity(48, 0.0, 1.0)}
    written = ModelBundle.write(
        tmp_path / "all",
        b"single",
        name="all",
        labels=tiny.labels,
        working_size=(96, 72),
        window_length=10,
        variants={"float16": b"half", "program": b"torch"},
        parity=parity,
    )
    assert ModelBundle.load(written.path) == written
    assert {name: model.path.name for name, model in written.models.items()} == {
        "float32": "model.onnx",
        "float16": "model-float16.onnx",
        "program": "model.pt2",
    }
    assert written.model("float16").parity == parity["float16"]
    assert written.model("program").parity == parity["program"]
    assert written.model("float32").parity is None
    with pytest.raises(BundleError, match="has no int8 network, but float32, float16, program; `wsvs export` makes it"):
        written.model("int8")
    (written.path / "model-float16.onnx").write_bytes(b"halt")
    with pytest.raises(BundleError, match="models: float16: sha256: got .*altered or copied incompletely"):
        ModelBundle.load(written.path)


def test_a_variant_or_an_output_that_there_is_not_is_refused(tmp_path: Path) -> None:
    tiny = make_tiny_bundle(tmp_path / "tiny")
    for keywords, message in (
        ({"variants": {"float8": b""}}, "models: unknown key float8; expected keys: float32, float16"),
        ({"parity": {"float32": Parity(0, 0.1, 1.0)}}, "parity: frames: got 0, expected an integer from 1"),
    ):
        with pytest.raises(BundleError, match=message):
            ModelBundle.write(
                tmp_path / "new",
                b"x",
                name="n",
                labels=tiny.labels,
                working_size=(96, 72),
                window_length=10,
                **keywords,
            )
        assert not (tmp_path / "new").exists()


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    bundle.model_path.write_bytes(bundle.model_path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="altered or copied incompletely"):
        ModelBundle.load(bundle.path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere: is no directory"):
        ModelBundle.load(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"has no bundle\.yaml"):
        ModelBundle.load(tmp_path)
    (tmp_path / "bundle.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="not a YAML file"):
        ModelBundle.load(tmp_path)
