"""What is kept from one run to the next: never stale, never half."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from training.caches import Cache, Contents, digest, ingredients_of, left_out_of, save_array, written_aside
from training.caches import contents as module
from wsvs_ros.errors import WsvsError


def filled(folder: Path, wanted: dict[str, dict[str, str]]) -> Cache:
    cache = Cache(folder, "squares")
    for name in cache.lacking(wanted):
        save_array(cache.path(name, wanted[name]), np.full(1, int(wanted[name]["side"])))
    return cache


def test_what_is_taken_and_why_the_rest_is_made_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    wanted = {f"{n}": {"side": f"{n}", "colour": "red"} for n in range(5)}
    filled(tmp_path, wanted)
    filled(tmp_path, wanted)
    wanted |= {"1": {"side": "9", "colour": "red"}, "2": {"side": "2", "colour": "blue"}, "5": {"side": "5"}}
    cache = filled(tmp_path, wanted)
    cache.path("5", wanted["5"]).unlink()
    filled(tmp_path, wanted)
    assert caplog.messages == [
        "squares: 0 of 5 taken; 5 to make: new",
        "squares: all 5 taken",
        "squares: 3 of 6 taken; 3 to make: changed: side (1), changed: colour (1), new (1)",
        "squares: 5 of 6 taken; 1 to make: not finished last time",
    ]
    assert np.load(cache.path("1", wanted["1"])) == 9


def test_what_was_made_before_is_taken_again(tmp_path: Path) -> None:
    """Two configurations that share a folder do not undo each other's work."""
    red, blue = ({"a": {"side": "1", "colour": colour}} for colour in ("red", "blue"))
    for wanted in (red, blue):
        filled(tmp_path, wanted)
    assert not Cache(tmp_path, "squares").lacking(red)
    assert not Cache(tmp_path, "squares").lacking(blue)


def test_files_are_gathered_under_their_names(tmp_path: Path) -> None:
    wanted = {"drive/1": {"side": "1"}, "drive/2": {"side": "2"}, "drive/3": {"side": "3"}}
    cache = filled(tmp_path / "each", wanted)
    cache.path("drive/3", wanted["drive/3"]).unlink()
    found = cache.gather(wanted, tmp_path, {"drive/3": "no light"})
    assert {path.name for path in (found / "drive").iterdir()} == {"1.npy", "2.npy"}
    assert (np.load(found / "drive" / "2.npy"), left_out_of(found)) == (2, {"drive/3": "no light"})
    assert ingredients_of(found) == {"drive/1": {"side": "1"}, "drive/2": {"side": "2"}}
    assert cache.gather(wanted, tmp_path, {"drive/3": "no light"}) == found
    other = wanted | {"drive/2": {"side": "4"}}
    filled(tmp_path / "each", other)
    changed = cache.gather(other, tmp_path, {})
    assert changed != found
    assert (np.load(found / "drive" / "2.npy"), np.load(changed / "drive" / "2.npy")) == (2, 4)


def test_files_can_be_gathered_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", refuse)
    wanted = {"1": {"side": "1"}}
    assert np.load(filled(tmp_path / "each", wanted).gather(wanted, tmp_path, {}) / "1.npy") == 1


def test_what_is_interrupted_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    save_array(path, np.zeros(3))
    with pytest.raises(KeyboardInterrupt), written_aside(path) as aside:
        aside.write_bytes(b"half")
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ["a.npy"]
    assert np.load(path).shape == (3,)


def test_contents_are_told_apart_whatever_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By content, not by size and time; and read once only."""
    file, memo = tmp_path / "a.png", tmp_path / "memo.json"
    file.write_bytes(b"one")
    with Contents(memo) as contents:
        first = contents.of(file)
        file.write_bytes(b"two")  # as long, and in the same second
        assert contents.of(file) != first
        file.write_bytes(b"one")
        os.utime(file, (1000, 1000))
        assert contents.of(file) == first
    monkeypatch.setattr(module, "_read", None)
    with Contents(memo) as contents:
        assert contents.of(file) == first
        os.utime(file, (2000, 2000))
        with pytest.raises(TypeError):
            contents.of(file)
        with pytest.raises(WsvsError, match=r"none\.png: missing"):
            contents.of(tmp_path / "none.png")


def test_a_folder_is_the_names_and_contents_in_it(tmp_path: Path) -> None:
    with Contents(tmp_path / "memo.json") as contents:
        (tmp_path / "bag").mkdir()
        (tmp_path / "bag" / "a").write_bytes(b"1")
        found = [contents.of(tmp_path / "bag")]
        (tmp_path / "bag" / ".hidden").write_bytes(b"1")
        assert contents.of(tmp_path / "bag") == found[0]
        (tmp_path / "bag" / "a").rename(tmp_path / "bag" / "b")
        found.append(contents.of(tmp_path / "bag"))
        (tmp_path / "bag" / "b").write_bytes(b"2")
        found.append(contents.of(tmp_path / "bag"))
    assert len(set(found)) == 3


@pytest.mark.parametrize("content", ["", "[1", "[]", '{"a": 1}'])
def test_a_damaged_memo_only_costs_time(tmp_path: Path, content: str) -> None:
    (tmp_path / "memo.json").write_text(content)
    (tmp_path / "a").write_bytes(b"1")
    with Contents(tmp_path / "memo.json") as contents:
        assert len(contents.of(tmp_path / "a")) == 16


def test_digests_tell_values_apart() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert len({digest("a", "b"), digest("ab"), digest(["a", "b"]), digest(1), digest("1")}) == 5
