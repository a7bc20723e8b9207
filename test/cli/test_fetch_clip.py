"""The demo's public clip: fetched once, checked, cached; without it the rendered drive."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsvs_ros.cli import demo

CLIP = b"a clip" * 1000


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.HTTPServer]:
    """A web server with the clip, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "clip.mp4").write_bytes(CLIP)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(demo, "CLIP_URL", f"http://127.0.0.1:{server.server_address[1]}/clip.mp4")
    monkeypatch.setattr(demo, "CLIP_HASH", "sha256:" + hashlib.sha256(CLIP).hexdigest())
    yield server
    server.shutdown()
    server.server_close()


def test_the_clip_is_fetched_once(server: http.server.HTTPServer, tmp_path: Path) -> None:
    fetched = Path(demo.fetch_clip())
    assert fetched.read_bytes() == CLIP
    assert fetched.is_relative_to(tmp_path / "cache")
    server.shutdown()
    server.server_close()
    assert Path(demo.fetch_clip()) == fetched


def test_another_file_than_the_known_one_is_not_played(
    server: http.server.HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "www" / "clip.mp4").write_bytes(CLIP + b"tampered")
    assert demo.fetch_clip() == "synthetic"
    assert "cannot be fetched" in capsys.readouterr().out
    assert not list((tmp_path / "cache").rglob("*.mp4"))


def test_without_a_network_the_rendered_drive_is_played(
    server: http.server.HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.shutdown()
    server.server_close()
    assert demo.fetch_clip() == "synthetic"
    assert "playing a rendered drive instead" in capsys.readouterr().out


def test_the_hash_is_the_published_clips(shared_data: Path) -> None:
    clip = shared_data / "videos" / "udacity_solidWhiteRight.mp4"
    assert "sha256:" + hashlib.sha256(clip.read_bytes()).hexdigest() == demo.CLIP_HASH
