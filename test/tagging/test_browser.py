"""The whole way in a real browser, by keyboard alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wsvs_ros.drives import load_clip_tags
from wsvs_ros.perception import LabelSet

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
pytest.importorskip("uvicorn", reason="needs the extra `tag`")
from tag_server import serve  # noqa: E402

CAMVID = LabelSet.load("camvid11")
READY = "body[data-ready=yes]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def drive(shared_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(shared_data / "videos" / "highway_driving.mp4", tmp_path))


def open_page(browser: Any, address: str) -> Any:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    page.wait_for_selector(READY)
    return page


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def until(page: Any, expression: str) -> None:
    """Wait for an expression; the page's own rules forbid what Playwright's wait_for_function does."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def saved(page: Any) -> None:
    until(page, "document.getElementById('saved').textContent === '✓ saved'")


def tags_of(drive: Path) -> list[tuple[float, float, frozenset[str]]]:
    clips = load_clip_tags(drive.with_name(drive.name + ".tags.yaml"), CAMVID)
    return [(clip.start, clip.end, clip.tags) for clip in clips[drive.name]]


def test_a_drive_is_tagged_by_keyboard_and_a_killed_server_loses_nothing(browser: Any, drive: Path) -> None:
    arguments = (drive, "--clip-seconds", 4.2, "--no-suggestions")
    with serve(*arguments) as server:
        process = server.process
        page = open_page(browser, server.address)
        press(page, "r", "s", "c", "Enter")  # the first of three clips
        until(page, "document.getElementById('title').textContent.startsWith('Clip 2 of 3')")
        press(page, ".", "c", "v")  # the second as the first, without car, with vegetation; not confirmed
        saved(page)
        process.kill()
        process.wait()
        press(page, "f")
        page.wait_for_selector("#banner:not([hidden])")
        assert "wsvs tag" in page.inner_text("#banner-text")
        page.close()
    assert [tags for _, _, tags in tags_of(drive)] == [{"road", "sky", "car"}]
    with serve(*arguments) as server:
        page = open_page(browser, server.address)
        assert page.inner_text("#title").startswith("Clip 2 of 3")
        assert page.get_attribute("[title=vegetation]", "aria-pressed") == "true"
        press(page, "Enter", "u", "Enter")
        press(page, "Home", "x")
        until(page, "document.getElementById('title').textContent.includes('of 4')")
        press(page, "m")
        until(page, "document.getElementById('title').textContent.includes('of 3')")
        press(page, "Control+z", "Control+z")
        until(page, "document.getElementById('redo').disabled === false")
        saved(page)
        assert [tags for _, _, tags in tags_of(drive)] == [{"road", "sky", "car"}, {"road", "sky", "vegetation"}]
        assert "state: unsure" in drive.with_name(drive.name + ".tags.yaml").read_text()
        for size in ((1440, 900), (800, 600)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            box = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            assert box == list(size), "nothing sticks out of the window"
        page.close()


def test_two_tabs_and_other_programs_are_noticed(browser: Any, drive: Path) -> None:
    tags = drive.with_name(drive.name + ".tags.yaml")
    with serve(drive, "--clip-seconds", 4.2, "--no-suggestions") as server:
        page = open_page(browser, server.address)
        other = page.context.new_page()
        other.goto(page.url)
        other.wait_for_selector(READY)
        # the other tab does not hear of it before it tries to save
        other.evaluate("window.setInterval = () => 0; for (let id = 0; id < 999; id += 1) clearInterval(id)")
        press(page, "r", "Enter")
        saved(page)
        press(other, "s")
        other.wait_for_selector("#banner:not([hidden])")
        assert "not applied" in other.inner_text("#banner-text")
        assert [found for _, _, found in tags_of(drive)] == [{"road"}]
        theirs = f"{drive.name}:\n  - {{start: 0, end: 4, tags: [cyclist]}}\n"
        tags.write_text(theirs)
        page.wait_for_selector("#banner:not([hidden])")
        assert tags.read_text() == theirs
        press(page, "Home")
        page.wait_for_selector("[title=cyclist][aria-pressed=true]")
        other.close()
        page.close()


def test_suggestions_are_confirmed_by_enter(browser: Any, drive: Path) -> None:
    with serve(drive, "--clip-seconds", 20) as server:
        page = open_page(browser, server.address)
        page.wait_for_selector("[title=road].suggested")
        assert page.get_attribute("[title=road]", "aria-pressed") == "true"
        assert not drive.with_name(drive.name + ".tags.yaml").exists(), "what nobody confirmed is not saved"
        press(page, "Enter")
        page.wait_for_selector("[title=road][aria-pressed=true]:not(.suggested)")
        saved(page)
        assert {"road", "sky", "car"} <= tags_of(drive)[0][2]
        page.close()
