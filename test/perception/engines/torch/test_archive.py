"""Programs that could run code while torch loads them."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
import torch

from wsvs_ros.perception.bundle import ModelBundle, default_bundle_path
from wsvs_ros.perception.engines import EngineError
from wsvs_ros.perception.engines.torch import create
from wsvs_ros.perception.engines.torch.archive import check_program, written_by


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load(default_bundle_path())


def rewritten(bundle: ModelBundle, path: Path, change: Callable[[dict[str, bytes]], None]) -> ModelBundle:
    """The bundle with another program; the hash in it is the new one's, as whoever alters a bundle would have it."""
    program = bundle.models["program"]
    with zipfile.ZipFile(program.path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return replace(bundle, models={**bundle.models, "program": replace(program, path=path)})


def edit(name: str, change: Callable[[Any], None]) -> Callable[[dict[str, bytes]], None]:
    def apply(files: dict[str, bytes]) -> None:
        data = json.loads(files[name])
        change(data)
        files[name] = json.dumps(data).encode()

    return apply


def test_the_programs_of_our_own_export_pass(bundle: ModelBundle, tmp_path: Path) -> None:
    check_program(bundle.models["program"].path)
    same = rewritten(bundle, tmp_path / "model.pt2", lambda files: None)
    check_program(same.models["program"].path)


def test_a_pickle_in_the_weights_is_never_unpickled(bundle: ModelBundle, tmp_path: Path) -> None:
    fuse = tmp_path / "exploded"

    def plant(files: dict[str, bytes]) -> None:
        content = io.BytesIO()
        torch.save(Bomb(fuse), content)
        config = json.loads(files["archive/data/weights/model_weights_config.json"])
        first = next(iter(config["config"].values()))
        first["use_pickle"] = True
        files[f"archive/data/weights/{first['path_name']}"] = content.getvalue()
        files["archive/data/weights/model_weights_config.json"] = json.dumps(config).encode()

    planted = rewritten(bundle, tmp_path / "model.pt2", plant)
    with pytest.raises(EngineError, match="may run code of its own: pickled data for .*choose engine onnxruntime"):
        create(planted)
    assert not fuse.exists()
    with suppress(Exception):  # whatever it says then
        torch.export.load(planted.models["program"].path)
    assert fuse.exists(), "torch does not unpickle it any more, so that this test shows nothing"


WEIGHTS = "archive/data/weights/model_weights_config.json"
MODEL = "archive/models/model.json"
ALTERATIONS = {
    "pickled data in": lambda files: files.update({"archive/data/sample_inputs/model.pt": pickle.dumps(1)}),
    "the file archive/data/weights/model.pt": lambda files: files.update({"archive/data/weights/model.pt": b"x"}),
    "the file archive/data/constants/custom_obj_0": lambda files: files.update(
        {"archive/data/constants/custom_obj_0": b"x"}
    ),
    "the file archive/data/aotinductor/": lambda files: files.update(
        {"archive/data/aotinductor/model/model.so": b"\x7fELF"}
    ),
    "the file serialized_state_dict.pt": lambda files: files.update({"serialized_state_dict.pt": b"x"}),
    "guards": edit(MODEL, lambda model: model.update(guards_code=["print('hello')"])),
    "the operator torch.hub.load": edit(
        MODEL, lambda model: model["graph_module"]["graph"]["nodes"][3].update(target="torch.hub.load")
    ),
    "the operator _operator.call": edit(
        MODEL, lambda model: model["graph_module"]["graph"]["nodes"][3].update(target="_operator.call")
    ),
    "a value of kind as_sym_int": edit(
        MODEL,
        lambda model: model["graph_module"]["graph"]["nodes"][3]["inputs"][0].update(
            arg={"as_sym_int": {"as_expr": {"expr_str": "__import__('os')"}}}
        ),
    ),
    "the name": edit(MODEL, lambda model: model["graph_module"]["graph"]["nodes"][3].update(name="x = print('hello')")),
}


@pytest.mark.parametrize("reason", ALTERATIONS)
def test_whatever_else_could_run_code_is_refused(bundle: ModelBundle, tmp_path: Path, reason: str) -> None:
    altered = rewritten(bundle, tmp_path / "model.pt2", ALTERATIONS[reason])
    with pytest.raises(EngineError, match=rf"model.pt2: is not loaded, .*{reason}"):
        check_program(altered.models["program"].path)


@pytest.mark.parametrize(
    "change",
    [edit(MODEL, lambda model: model.pop("graph_module")), edit(WEIGHTS, lambda config: config.update(config=[1]))],
)
def test_what_is_no_program_is_said_to_be_none(
    bundle: ModelBundle, tmp_path: Path, change: Callable[[dict[str, bytes]], None]
) -> None:
    altered = rewritten(bundle, tmp_path / "model.pt2", change)
    with pytest.raises(EngineError, match="is no program of torch.export"):
        check_program(altered.models["program"].path)


def test_who_wrote_a_program_is_known(bundle: ModelBundle, tmp_path: Path) -> None:
    assert written_by(bundle.models["program"].path).startswith("2.")
    (tmp_path / "model.pt2").write_text("no program")
    assert written_by(tmp_path / "model.pt2") == "unknown"
