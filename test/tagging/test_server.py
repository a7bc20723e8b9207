"""The server as strangers meet it: tokens, hosts, origins, paths and bodies."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from drive_files import make_folder, make_video

pytest.importorskip("starlette", reason="needs the extra `tag`")
pytest.importorskip("uvicorn", reason="needs the extra `tag`")
from tag_server import serve


class Client:
    def __init__(self, address: str) -> None:
        self.parts = urlsplit(address)
        self.cookie = ""

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.parts.port, timeout=20)
        given = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, None if body is None else json.dumps(body), given)
        answer = connection.getresponse()
        cookie = answer.getheader("set-cookie")
        if cookie:
            assert "HttpOnly" in cookie
            assert "samesite=strict" in cookie.lower()
            self.cookie = cookie.split(";")[0]
        content = answer.read()
        connection.close()
        return answer.status, content

    def post(self, path: str, body: object) -> tuple[int, dict[str, object]]:
        status, content = self.ask("POST", path, body, Origin=f"http://127.0.0.1:{self.parts.port}")
        return status, json.loads(content)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    folder = tmp_path_factory.mktemp("server")
    video = make_video(folder / "a.mp4", 60)
    (folder / "secret.txt").write_text("secret")
    make_folder(folder / "pictures", 3)
    with serve(video, "--clip-seconds", 1, "--no-suggestions", "--iconic", folder / "pictures") as served:
        address = served.address
        client = Client(address)
        parts = urlsplit(address)
        assert client.ask("GET", "/")[0] == 403
        assert client.ask("GET", "/?token=wrong")[0] == 403
        assert client.ask("GET", f"/?{parts.query}")[0] == 303
        assert Client(address).ask("GET", f"/?{parts.query}")[0] == 403, "a token opens the page once"
        yield client, folder


def test_foreign_hosts_and_origins_are_refused(server: tuple[Client, Path]) -> None:
    client, _ = server
    assert client.ask("GET", "/api/changes")[0] == 200
    assert client.ask("GET", "/api/changes", Host="evil.example")[0] == 403
    assert client.ask("GET", "/api/changes", Origin="https://evil.example")[0] == 403
    edit = {"action": "undo", "revision": 1}
    assert client.ask("POST", "/api/edit", edit)[0] == 403
    assert client.ask("POST", "/api/edit", edit, Origin="null")[0] == 403
    assert client.ask("POST", "/api/edit", edit, Origin=f"http://evil.example:{client.parts.port}")[0] == 403
    assert client.ask("GET", "/api/changes", Cookie="")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/page/../../errors.py",
        "/page/%2e%2e/%2e%2e/errors.py",
        "/page/..%2f..%2ferrors.py",
        "/page//etc/passwd",
        "/frame/0/../../secret.txt",
        "/iconic/..%2fsecret.txt",
        "/frame/9/0.jpg",
        "/frame/-1/0.jpg",
        "/iconic/99.jpg",
        "/strip/0/9-3.jpg",
        "/frame/0/0.jpg?w=wide",
        "/movie/0/0-9000.frames",
        "/movie/0/5-5.frames",
        "/movie/0/0-100.frames?speed=nan",
        "/movie/9/0-100.frames",
        "/api/export/excel",
        "/api/export/cvat?drive=7",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(server: tuple[Client, Path], path: str) -> None:
    status, content = server[0].ask("GET", path)
    assert status in (400, 404)
    assert b"secret" not in content
    assert b"root:" not in content


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"action": "tag"},
        {"action": "fly", "revision": 1, "drive": 0, "clip": 0},
        {"action": "tag", "revision": True, "clips": []},
        {"action": "tag", "revision": "CURRENT", "clips": [{"drive": 9, "clip": 0, "tags": [], "state": "done"}]},
        {"action": "tag", "revision": "CURRENT", "clips": [{"drive": 0, "clip": 0, "tags": [1], "state": "done"}]},
        {"action": "tag", "revision": "CURRENT", "clips": [{"drive": 0, "clip": 0, "tags": ["roed"], "state": "done"}]},
        {"action": "tag", "revision": "CURRENT", "clips": [{"drive": 0, "clip": 0, "tags": [], "state": "odd"}]},
        {"action": "tag", "revision": "CURRENT", "clips": []},
        {"action": "tag", "revision": "CURRENT", "clips": [3]},
        {"action": "merge", "revision": "CURRENT", "drive": 0, "clip": 0, "last": 0},
        {"action": "merge", "revision": "CURRENT", "drive": 0, "clip": 1, "last": 0},
        {"action": "split", "revision": "CURRENT", "drive": 0, "clip": 0, "at": 1e9},
    ],
)
def test_senseless_changes_are_refused(server: tuple[Client, Path], body: object) -> None:
    client, folder = server
    if isinstance(body, dict) and body.get("revision") == "CURRENT":
        body = {**body, "revision": json.loads(client.ask("GET", "/api/changes")[1])["revision"]}
    status, answer = client.post("/api/edit", body)
    assert status == 400
    assert answer["error"]
    assert not (folder / "a.mp4.tags.yaml").exists()


def test_pictures_come(server: tuple[Client, Path]) -> None:
    for path in ("/frame/0/500.jpg", "/strip/0/0-1000.jpg", "/iconic/0.jpg"):
        status, content = server[0].ask("GET", path)
        assert (status, content[:2]) == (200, b"\xff\xd8")
    page = server[0].ask("GET", "/")[1].decode()
    assert not re.search(r"https?://", page), "the page needs no network"


def test_iconic_pictures_are_copied_into_classes(server: tuple[Client, Path]) -> None:
    client, folder = server
    revision = json.loads(client.ask("GET", "/api/iconic")[1])["revision"]
    status, answer = client.post("/api/iconic", {"revision": revision, "index": 1, "class": "road"})
    copy = folder / "pictures.sorted" / "road" / "1.png"
    assert status == 200
    assert copy.read_bytes() == (folder / "pictures" / "1.png").read_bytes()
    assert client.post("/api/iconic", {"revision": revision, "index": 1, "class": "sky"})[0] == 409
    assert client.post("/api/iconic", {"revision": answer["revision"], "index": 1, "class": None})[0] == 200
    assert not copy.exists()
    assert (folder / "pictures" / "1.png").exists()
