"""`wsvs tag`: what is refused before a page opens."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import Wsvs
from drive_files import make_video

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
