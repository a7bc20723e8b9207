"""`wsvs tag`: what is refused before a page opens."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cli_support import Wsvs
from drive_files import make_bag, make_folder, make_video
from tag_server import serve

pytest.importorskip("uvicorn", reason="needs the extra `tag`")


def test_mistakes_are_named(wsvs: Wsvs, tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4")
    (tmp_path / "a.mp4.tags.yaml").write_text("a.mp4:\n  - {start: 0, end: 0.4, tags: [roed]}\n")
    for arguments, says in [
        ((), "name a DRIVE"),
        ((tmp_path / "none.mp4",), "no such file"),
        ((video,), "clip 1: unknown class 'roed'"),
        ((video, "--tags", tmp_path / "x" / "t.yaml"), "cannot be written"),
        (("--iconic", tmp_path / "none"), "no such folder of pictures"),
    ]:
        done = wsvs("tag", "--no-browser", *arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert says in done.stderr


def test_tags_go_into_bags_without_a_page(wsvs: Wsvs, tmp_path: Path) -> None:
    bag, video = make_bag(tmp_path / "bag", 10), make_video(tmp_path / "a.mp4")
    done = wsvs("tag", bag, "--into-bag")
    assert (done.returncode, "nothing of it is tagged yet" in done.stderr) == (2, True)
    (tmp_path / "bag.tags.yaml").write_text("bag:\n  - {start: 0, end: 0.4, tags: [road]}\n")
    done = wsvs("tag", bag, "--into-bag")
    assert (done.returncode, done.stdout) == (0, f"1 clips of bag: {bag / 'metadata.yaml'}\n")
    (tmp_path / "bag.tags.yaml").unlink()
    with serve(bag, "--no-suggestions") as server:
        assert "the tags of bag were taken from the bag itself\n" in server.told
    done = wsvs("tag", video, "--into-bag")
    assert (done.returncode, "no bag" in done.stderr) == (2, True)


def test_over_ssh_the_tunnel_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50000 198.51.100.8 22")
    with serve(make_folder(tmp_path / "f"), "--no-suggestions") as server:
        port = urlsplit(server.address).port
        assert f"ssh -N -L {port}:127.0.0.1:{port} " in server.told


def test_files_that_do_not_say_what_their_times_count_are_named(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f")
    tags = tmp_path / "f.tags.yaml"
    tags.write_text("f:\n  - {start: 0, end: 0.4, tags: [road]}\n")
    with serve(folder, "--no-suggestions") as server:
        assert f"{tags} does not say what the times of f count: taken as frames at 15 a second\n" in server.told
    tags.write_text("f:\n  fps: 15\n  clips:\n    - {start: 0, end: 0.4, tags: [road]}\n")
    with serve(folder, "--no-suggestions") as server:
        assert "does not say" not in server.told
