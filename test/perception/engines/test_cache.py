from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest
from support import make_tiny_bundle

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.cache import CacheKey, EngineCache, load_or_build

KEY = CacheKey("tensorrt", "10.13.0", "NVIDIA Orin 8.7", "float16", "ab" * 32, "{'image': (1, 3, 72, 96)}")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelBundle:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return make_tiny_bundle(tmp_path / "tiny")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_what_was_stored_is_loaded_by_the_same_key_only(bundle: ModelBundle) -> None:
    cache = EngineCache(bundle)
    path = cache.store(KEY, b"engine")
    assert path is not None
    assert path.parent == bundle.path / ".engines"
    assert files(path.parent) == [f"{KEY.stem}.bin", f"{KEY.stem}.json"], "something was left aside"
    assert EngineCache(bundle).load(KEY) == b"engine"
    for field in fields(CacheKey):
        assert cache.load(replace(KEY, **{field.name: "other"})) is None, field.name


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"engin"),
        lambda path: path.write_bytes(b"enginf"),
        lambda path: path.with_suffix(".json").write_text("{"),
        lambda path: path.with_suffix(".json").unlink(),
        lambda path: path.unlink(),
        lambda path: path.with_suffix(".json").write_text(
            json.dumps({**json.loads(path.with_suffix(".json").read_text()), "version": "11.0.0"})
        ),
    ],
)
def test_what_is_half_written_or_altered_is_not_taken(bundle: ModelBundle, damage) -> None:
    cache = EngineCache(bundle)
    path = cache.store(KEY, b"engine")
    assert path is not None
    damage(path)
    assert cache.load(KEY) is None
    cache.store(KEY, b"engine")
    assert cache.load(KEY) == b"engine"


def test_storing_drops_what_is_stale_and_leaves_other_machines_theirs(bundle: ModelBundle) -> None:
    cache = EngineCache(bundle)
    stale = [replace(KEY, model="cd" * 32), replace(KEY, version="10.12.0"), replace(KEY, settings="other")]
    theirs = [
        replace(KEY, device="NVIDIA Thor 11.0"),
        replace(KEY, precision="int8"),
        replace(KEY, runtime="onnxruntime"),
    ]
    for key in (*stale, *theirs):
        folder = cache.store(key, b"older")
    assert folder is not None
    (folder.parent / "tensorrt-float16-0000.json").write_text("[]")  # no record of ours
    cache.store(KEY, b"engine")
    assert all(cache.load(key) is None for key in stale)
    assert all(cache.load(key) == b"older" for key in theirs)
    assert not {f"{key.stem}.bin" for key in stale} & set(files(folder.parent))


def test_a_read_only_bundle_leaves_its_engines_in_the_users_cache(
    bundle: ModelBundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (bundle.path / ".engines").write_text("a file, where no folder can be made")
    cache = EngineCache(bundle)
    path = cache.store(KEY, b"engine")
    assert path is not None
    assert tmp_path / "home" / "wsvs_ros" / "engines" in path.parents
    assert cache.load(KEY) == b"engine"
    assert f"{bundle.path / '.engines'}: cannot be written" in caplog.text
    cache.discard(KEY)
    assert cache.load(KEY) is None


def test_where_nothing_can_be_written_it_goes_on_and_says_so(
    bundle: ModelBundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (bundle.path / ".engines", tmp_path / "home"):
        path.write_text("a file")
    cache = EngineCache(bundle)
    assert cache.store(KEY, b"engine") is None
    assert cache.load(KEY) is None
    assert "will be built again at the next start" in caplog.text


def test_a_kept_engine_that_does_not_serve_is_built_again(
    bundle: ModelBundle, caplog: pytest.LogCaptureFixture
) -> None:
    cache = EngineCache(bundle)
    built: list[bytes] = []

    def build() -> bytes:
        built.append(b"new")
        return b"new"

    def load(data: bytes) -> str:
        if data != b"new":
            raise WsvsError("of another TensorRT")
        return data.decode()

    cache.store(KEY, b"old")
    assert load_or_build(cache, KEY, load, build) == "new"
    assert "does not serve, it is built again: of another TensorRT" in caplog.text
    assert load_or_build(cache, KEY, load, build) == "new"
    assert len(built) == 1, "the kept engine was not taken"


def test_several_cameras_that_start_together_build_once(bundle: ModelBundle) -> None:
    built: list[bytes] = []
    start = threading.Barrier(4)

    def build() -> bytes:
        built.append(b"new")
        time.sleep(0.1)  # minutes, by TensorRT
        return b"new"

    def camera() -> None:
        cache = EngineCache(bundle)
        start.wait()
        found.append(load_or_build(cache, KEY, bytes.decode, build))

    found: list[str] = []
    # each opens the lock's file anew, so that it holds between threads as between processes
    threads = [threading.Thread(target=camera) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["new"] * 4
    assert len(built) == 1


def test_a_build_that_fails_lets_the_next_one_build(bundle: ModelBundle) -> None:
    def fail() -> bytes:
        raise WsvsError("no memory")

    with pytest.raises(WsvsError, match="no memory"):
        load_or_build(EngineCache(bundle), KEY, bytes.decode, fail)
    assert load_or_build(EngineCache(bundle), KEY, bytes.decode, lambda: b"new") == "new"


def test_what_was_built_has_to_serve_too_and_is_not_kept_else(bundle: ModelBundle) -> None:
    def load(data: bytes) -> None:
        raise WsvsError("in another precision than asked")

    with pytest.raises(WsvsError, match="another precision"):
        load_or_build(EngineCache(bundle), KEY, load, lambda: b"new")
    assert EngineCache(bundle).load(KEY) is None
