"""Drives of an archive, and their folders of results."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.find_drives import choose_folder, find_drives
from wsvs_ros.runs.manifest import Manifest
from wsvs_ros.runs.segment_worker import Outcome


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a video")
    return path


def folders(root: Path, out: Path) -> dict[str, str]:
    manifest = Manifest(out, find_drives([str(root)], output=out), resume=True, overwrite=False)
    for entry in manifest.entries:
        manifest.note(entry, Outcome("failed"))
    inside = {str(Path(entry.input).relative_to(root)): entry.output for entry in manifest.entries}
    return {name: str(Path(path).relative_to(out)) for name, path in inside.items()}


def apart(names: list[str]) -> bool:
    paths = [PurePath(name.casefold()) for name in names]
    return all(not one.is_relative_to(other) for one in paths for other in paths if one is not other)


def test_no_two_drives_share_a_folder_or_nest(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    for name in ("clip-2.mp4", "clip.avi", "clip.mp4", "monday/b.mp4", "monday.mp4", "report.mp4"):
        touch(root / name)
    found = folders(root, tmp_path / "out")
    assert len(set(found.values())) == 6
    assert apart(list(found.values()))
    assert found["clip.avi"] == "clip"
    assert found["report.mp4"] == "report.mp4"  # report/ is the archive's own


def test_a_drive_that_came_later_takes_nobodys_folder(tmp_path: Path) -> None:
    root, out = tmp_path / "archive", tmp_path / "out"
    touch(root / "clip.mp4")
    touch(root / "monday.mp4")
    before = folders(root, out)
    touch(root / "clip.avi")
    touch(root / "monday" / "b.mp4")
    after = folders(root, out)
    assert {name: after[name] for name in before} == before
    assert apart(list(after.values()))
    (root / "clip.mp4").unlink()
    touch(root / "clip.mkv")
    assert folders(root, out)["clip.mkv"] != before["clip.mp4"]  # whose results are still there


names = st.lists(st.sampled_from(["a", "b", "a.mp4", "A.avi", "b.mp4", "report"]), min_size=1, max_size=3)


@given(st.lists(names, min_size=1, max_size=12))
def test_folders_never_clash(found: list[list[str]]) -> None:
    taken: set[PurePath] = set()
    chosen = [choose_folder(Path("/nowhere"), PurePath(*parts), taken) for parts in found]
    assert apart([str(path) for path in chosen])


def test_what_runs_have_written_is_no_drive(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    touch(root / "a.mp4")
    out = root / "out"
    touch(out / "a" / "overlay.mp4")
    assert [path.name for path, _ in find_drives([str(root)], output=out)] == ["a.mp4"]
    (out / "manifest.json").write_text("{}")
    assert [path.name for path, _ in find_drives([str(root)])] == ["a.mp4"]
    touch(root / "single" / "overlay.mp4")
    (root / "single" / "summary.json").write_text('{"frames": 1, "complete": true, "model": {}, "settings": {}}')
    assert [path.name for path, _ in find_drives([str(root)])] == ["a.mp4"]


def test_a_drive_that_is_named_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "a.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(find_drives(["a.mp4", str(tmp_path / "a.mp4"), str(tmp_path)])) == 1


def test_a_manifest_that_points_elsewhere_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text('{"drives": [{"input": "a", "output": "/etc"}]}')
    with pytest.raises(WsvsError, match=r"has no manifest.json"):
        Manifest(tmp_path / "out", [], resume=True, overwrite=True)
