"""Reports in a real browser: they show what they should, ask no network for anything, and raise no error."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from run_folders import make_run

from wsvs_ros.evaluation.compare import Comparison, read_pairs
from wsvs_ros.evaluation.compare_report import write_comparison
from wsvs_ros.evaluation.evaluation import Evaluation
from wsvs_ros.evaluation.frames import Run
from wsvs_ros.evaluation.page import ReportError
from wsvs_ros.evaluation.report import write_report
from wsvs_ros.perception.labels import LabelSet

CAMVID = LabelSet.load("camvid11")
BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium here; apt-get install chromium")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with truth, camera images, confidence and latencies."""
    folder = tmp_path_factory.mktemp("report")
    run = Run(make_run(folder / "out", frames=30), folder / "truth")
    evaluation = Evaluation(CAMVID)
    for frame in run.read():
        evaluation.update(frame)
    return write_report(folder / "report", run, evaluation)


@contextmanager
def served(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The page on a real HTTP server: its address, and what is asked of the server."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            found = self.path == "/index.html"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(page.read_bytes() if found else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html", asked
    finally:
        server.shutdown()
        server.server_close()


def browse(address: str, profile: Path, *more: str) -> tuple[str, list[str]]:
    """The page's document after its scripts ran, and what the browser's console says."""
    words = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    words += ["--enable-logging=stderr", "--virtual-time-budget=3000", *more, "--dump-dom", address]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@needs_browser
def test_the_report_opens_without_a_network_and_without_an_error(report: Path, tmp_path: Path) -> None:
    with served(report) as (address, asked):
        document, console = browse(address, tmp_path)
    assert asked == ["/index.html"]
    assert console == []
    assert "(1 of 30)" in document, "the slider's script did not run"
    assert document.count("<svg") == 6


@needs_browser
def test_an_error_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("<script>throw Error('oops')</script><img src='/else.png'>")
    with served(page) as (address, asked):
        console = browse(address, tmp_path / "profile")[1]
    assert any("oops" in line for line in console)
    assert "/else.png" in asked


@needs_browser
def test_the_pictures_are_on_the_screen(report: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    browse(
        report.as_uri(), tmp_path / "profile", "--window-size=1200,2400", "--hide-scrollbars", f"--screenshot={picture}"
    )
    shown = cv2.imread(str(picture))
    assert shown.shape == (2400, 1200, 3)
    building = np.array(CAMVID.classes[1].color[::-1])
    assert (np.abs(shown.astype(int) - building).max(2) < 4).mean() > 0.02


def test_each_picture_stands_over_its_own_name(browser: Any, tmp_path: Path) -> None:
    """Truth on some frames only: a frame without it shows none, and no other picture in its place."""
    out = make_run(tmp_path / "out", frames=6)
    for name in ("000000", "000003"):
        (tmp_path / "truth" / f"{name}.png").unlink()
    (tmp_path / "images" / "000004.png").unlink()
    run = Run(out, tmp_path / "truth")
    evaluation = Evaluation(CAMVID)
    for frame in run.read():
        evaluation.update(frame)
    report = write_report(tmp_path / "report", run, evaluation)
    told = json.loads(re.findall(r'<script type="application/json">(.*?)</script>', report.read_text(), re.S)[0])
    assert [sorted(frame["pictures"]) for frame in told][:2] == [
        ["camera", "prediction"],
        ["camera", "prediction", "truth"],
    ]
    page = browser.new_page()
    page.goto(report.as_uri())
    for index, frame in enumerate(told):
        page.locator("#frames input").fill(str(index))
        shown = page.evaluate(
            "[...document.querySelectorAll('#frames .pictures div')].map((cell) =>"
            "[cell.querySelector('span').textContent, cell.querySelector('img').getAttribute('src'),"
            " getComputedStyle(cell.querySelector('img')).visibility])"
        )
        assert len(shown) == 3
        for word, source, visible in shown:
            if visible == "visible":
                assert source == frame["pictures"][word]
            else:
                assert word.startswith("no ")
                assert word.split(" ")[1] not in frame["pictures"]
    page.close()


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset", "action")]


def test_the_page_holds_everything_itself(report: Path) -> None:
    text = report.read_text()
    links = _Links()
    links.feed(text)
    assert len(links.found) > 20
    assert all(link.startswith("data:") for link in links.found)
    assert "url(" not in text
    assert "<script>alert" not in text, "a name was not escaped"


def test_report_json_holds_the_figures(report: Path) -> None:
    figures = json.loads((report.parent / "report.json").read_text())
    shown = re.findall(r"<b>([^<]*)</b><span>([^<]*)</span>", report.read_text())
    assert (f"{100 * figures['miou']:.1f}", "mIoU %") in shown
    assert (f"{100 * figures['calibration']['ece']:.1f}", "calibration error %") in shown
    assert len(figures["per_frame"]) == 30
    worst = min(figures["per_frame"], key=lambda frame: frame["miou"])
    assert f"worst · {worst['name']}" in report.read_text()


def test_a_folder_with_anything_else_is_left_alone(report: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    run = Run(report.parents[1] / "out")
    evaluation = Evaluation(CAMVID)
    for frame in run.read():
        evaluation.update(frame)
    with pytest.raises(ReportError, match=r"holds notes.txt, which is no report"):
        write_report(tmp_path, run, evaluation)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    page = write_report(tmp_path / "new", run, evaluation)
    assert "what was seen" in page.read_text()
    assert write_report(tmp_path / "new", run, evaluation) == page


@needs_browser
def test_a_comparison_opens_likewise(tmp_path: Path) -> None:
    first = Run(make_run(tmp_path / "a", frames=60, wrong=0.3), tmp_path / "truth")
    second = Run(make_run(tmp_path / "b", frames=60, wrong=0.05, seed=1), tmp_path / "truth")
    comparison = Comparison(CAMVID)
    for pair in read_pairs(first, second):
        comparison.update(*pair)
    page = write_comparison(tmp_path / "report", first, second, comparison)
    with served(page) as (address, asked):
        document, console = browse(address, tmp_path / "profile")
    assert (asked, console) == (["/index.html"], [])
    assert "B is better than A" in document
    assert "(1 of 60)" in document
