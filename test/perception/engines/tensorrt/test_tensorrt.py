"""What can be known of the TensorRT engine where there is no TensorRT: its calls, and what it says then."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines import EngineError, EngineOptions, create_engine
from wsvs_ros.perception.engines.tensorrt import create, variant, why_not

ROOT = Path(__file__).resolve().parents[4]


def test_every_call_is_one_that_tensorrts_stubs_have(tmp_path: Path) -> None:
    try:
        stubs = importlib.metadata.files("tensorrt-stubs") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs TensorRT's type stubs: pip install --no-deps tensorrt-stubs")
    for file in stubs:
        if file.suffix == ".pyi":
            source = Path(str(file.locate())).read_text(encoding="utf-8")
            # arguments named by a keyword, and one without a default behind those that have one, are no Python
            source = re.sub(r"\bin: ", "in_: ", source)
            source = re.sub(
                r"^( +)def add_scale_nd\(.*$",
                r"\1def add_scale_nd(self, *arguments: object) -> object:",
                source,
                flags=re.M,
            )
            target = tmp_path / "stubs" / str(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source, encoding="utf-8")
    package = ROOT / "wsvs_ros" / "perception" / "engines" / "tensorrt"
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(tmp_path),
    ]
    environment = {**os.environ, "MYPYPATH": str(tmp_path / "stubs")}

    def errors(*paths: Path) -> list[str]:
        done = subprocess.run([*command, *map(str, paths)], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert "prevented further checking" not in done.stdout, done.stdout
        return [line for line in done.stdout.splitlines() if line.startswith(("wsvs_ros", str(tmp_path / "wrong")))]

    assert not errors(*sorted(package.glob("*.py")))
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import tensorrt as trt\n\n\ndef f(builder: trt.Builder) -> None:\n    builder.no_such_call()\n")
    assert errors(wrong), "the stubs were not read, so that nothing was checked"


def test_it_says_why_it_cannot_run() -> None:
    reason = why_not()
    if reason is None:
        pytest.skip("TensorRT runs here")
    assert re.search(r"package tensorrt .*(cannot be imported|is not NVIDIA's)|no CUDA device", reason)
    assert why_not("cpu") == "it does not run on cpu, but on cuda"


def test_an_old_tensorrt_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorrt").mkdir()
    (tmp_path / "tensorrt" / "__init__.py").write_text("__version__ = '8.6.1'")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    try:
        assert why_not() == "tensorrt 8.6.1 is too old, 10.0 or newer is needed"
    finally:
        sys.modules.pop("tensorrt", None)


def test_asked_for_where_it_is_not_it_is_an_error_that_names_the_package(tiny_bundle: ModelBundle) -> None:
    if why_not() is None:
        pytest.skip("TensorRT runs here")
    with pytest.raises(EngineError, match=r"engine tensorrt: .*tensorrt"):
        create(tiny_bundle)
    with pytest.raises(EngineError, match="no engine can run tiny so: tensorrt on cuda: no, .*tensorrt"):
        create_engine(tiny_bundle, EngineOptions("tensorrt"))


def test_int8_is_the_symmetric_network() -> None:
    assert [variant("cuda", precision) for precision in ("float32", "float16", "int8")] == [
        "float32",
        "float16",
        "int8-symmetric",
    ]
