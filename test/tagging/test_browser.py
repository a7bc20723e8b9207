"""The whole way in a real browser, by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drive_files import make_folder
from page_driver import PageDriver, classes_of, tags_of

pytest.importorskip("uvicorn", reason="needs the extra `tag`")
from tag_server import serve

ALONE = ("--no-suggestions", "--clip-seconds", 2)


@pytest.fixture
def page(browser: Any, drive: Path) -> Iterator[PageDriver]:
    """The page of a drive of three clips."""
    with serve(drive, *ALONE) as server:
        opened = PageDriver(browser, server.address)
        yield opened
        opened.close()


def test_a_drive_is_tagged_by_keyboard_and_a_killed_server_loses_nothing(browser: Any, drive: Path) -> None:
    with serve(drive, *ALONE) as server:
        page = PageDriver(browser, server.address)
        page.press("r", "s", "c", "Enter")  # the first of three clips
        page.until_title("Clip 2 of 3")
        page.press(".", "c", "v")  # the second as the first, without car, with vegetation; not confirmed
        page.until_saved()
        server.process.kill()
        server.process.wait()
        page.press("f")
        page.page.wait_for_selector("#banner:not([hidden])")
        assert "wsvs tag" in page.text("banner-text")
        page.close()
    assert classes_of(drive) == [{"road", "sky", "car"}, {"road", "sky", "vegetation"}]
    with serve(drive, *ALONE) as server:
        page = PageDriver(browser, server.address)
        assert page.text("title").startswith("Clip 2 of 3")
        assert page.ticked() == {"road", "sky", "vegetation"}
        page.press("Enter", "u", "Enter", "Home", "x")
        page.until_title("of 4")
        page.press("m")
        page.until_title("of 3")
        page.press("Control+z", "Control+z")
        page.until("document.getElementById('redo').disabled === false")
        page.until_saved()
        assert classes_of(drive) == [{"road", "sky", "car"}, {"road", "sky", "vegetation"}, set()]
        assert "state: unsure" in drive.with_name(drive.name + ".tags.yaml").read_text()
        for size in ((1440, 900), (800, 600)):
            page.page.set_viewport_size({"width": size[0], "height": size[1]})
            box = page.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
            assert box == list(size), "nothing sticks out of the window"
            edges = "nodes => nodes.map((node) => node.getBoundingClientRect().right)"
            assert max(page.page.eval_on_selector_all(".bar *, .side *", edges)) <= size[0], "nothing is cut off"
        page.close()


def test_two_tabs_and_other_programs_are_noticed(page: PageDriver, drive: Path) -> None:
    tags = drive.with_name(drive.name + ".tags.yaml")
    other = page.page.context.new_page()
    other.goto(page.page.url)
    other.wait_for_selector("body[data-ready=yes]")
    # the other tab does not hear of it before it tries to save
    other.evaluate("window.setInterval = () => 0; for (let id = 0; id < 999; id += 1) clearInterval(id)")
    page.press("r", "Enter")
    page.until_saved()
    other.keyboard.press("s")
    other.wait_for_selector("#banner:not([hidden])")
    assert "not applied" in other.inner_text("#banner-text")
    assert classes_of(drive) == [{"road"}]
    theirs = f"{drive.name}:\n  - {{start: 0, end: 2, tags: [cyclist]}}\n"
    tags.write_text(theirs)
    page.page.wait_for_selector("#banner:not([hidden])")
    assert tags.read_text() == theirs
    page.press("Home")
    page.page.wait_for_selector("[title=cyclist][aria-pressed=true]")


def test_an_answer_that_comes_late_takes_no_key_press_back(page: PageDriver, drive: Path) -> None:
    page.hold_back("/api/changes")  # the server has answered a poll, which is still on its way
    page.press("c")
    page.until_saved()
    page.page.evaluate("window.release()")
    page.page.wait_for_timeout(100)
    assert page.ticked() == {"car"}
    page.press("s")
    page.until_saved()
    assert page.ticked() == {"car", "sky"}
    assert page.page.is_hidden("#banner")
    assert classes_of(drive) == [{"car", "sky"}]


def test_suggestions_that_arrive_do_not_overwrite_what_is_on_its_way(browser: Any, drive: Path) -> None:
    with serve(drive, "--clip-seconds", 0.2) as server:
        page = PageDriver(browser, server.address, hold_back="&drive=")  # polls say where people are
        page.press("End")  # the last of thirty clips, to which the model has not come yet
        assert page.ticked() == set()
        suggested = 'window.heldBack.findIndex(({ text }) => /"id":29,[^}]*"suggested":{/.test(text))'
        page.until(f"{suggested} >= 0")
        page.page.evaluate("window.holdBack = '/api/edit'")
        page.press("e")
        page.until(f"window.heldBack.length > {suggested} + 1")
        page.page.evaluate(f"window.heldBack.splice({suggested}, 1)[0]()")  # the poll's answer, of the time before
        page.page.wait_for_timeout(100)
        page.press("y")
        assert page.ticked() == {"pedestrian", "cyclist"}
        page.page.evaluate("window.release()")
        page.until_saved()
        assert classes_of(drive) == [{"pedestrian", "cyclist"}]
        page.close()


def test_keys_wait_for_the_clips_that_they_are_meant_for(page: PageDriver, drive: Path) -> None:
    page.press("r")
    page.until_saved()
    page.page.evaluate("window.holdBack = '/api/edit'")
    page.press("x", "c")
    page.until("window.heldBack.length > 0")
    page.page.evaluate("window.release()")
    page.until_title("of 4")
    page.until_saved()
    assert classes_of(drive) == [{"road", "car"}, {"road"}]


def test_a_key_that_is_held_down_counts_once(page: PageDriver, drive: Path) -> None:
    for _ in range(4):
        page.page.keyboard.down("c")  # again and again: a repeated press
    page.page.keyboard.up("c")
    page.until_saved()
    assert classes_of(drive) == [{"car"}]


def test_suggestions_are_confirmed_by_enter(browser: Any, drive: Path) -> None:
    with serve(drive, "--clip-seconds", 20) as server:
        page = PageDriver(browser, server.address)
        page.page.wait_for_selector(".class.suggested")
        suggested = page.ticked()
        assert suggested
        assert not drive.with_name(drive.name + ".tags.yaml").exists(), "what nobody confirmed is not saved"
        page.press("Enter")
        page.until("document.querySelectorAll('.class.suggested').length === 0")
        page.until_saved()
        assert classes_of(drive) == [suggested]
        page.page.click("#review")
        page.until_title("Review 1 of 1")
        page.close()


def test_a_clip_plays_in_real_time_and_is_split_where_it_is_held(page: PageDriver, drive: Path) -> None:
    page.press("Space")
    page.until("document.getElementById('play').textContent === '❚❚'")
    page.until("document.getElementById('badge-time').textContent.startsWith('0:01.')")
    page.press("Space")
    page.until("document.getElementById('play').textContent === '▶'")
    held = page.text("badge-time")
    page.page.wait_for_timeout(300)
    assert page.text("badge-time") == held
    page.press("Shift+ArrowLeft")
    page.until(f"document.getElementById('badge-time').textContent !== {held!r}")
    shown = float(page.text("badge-time").split(" ")[0].split(":")[1])
    assert shown == pytest.approx(float(held.split(" ")[0].split(":")[1]) - 0.1, abs=0.051), "one frame back"
    page.press("x")
    page.until_title("of 4")
    page.until_saved()
    assert tags_of(drive)[0][1] == pytest.approx(shown, abs=0.051)
    page.press("Home", "Space")
    page.until("document.getElementById('played').style.width.startsWith('100')")
    page.until("document.getElementById('play').textContent === '▶'")


def test_a_range_of_clips_is_tagged_at_once(page: PageDriver, drive: Path) -> None:
    page.press("c", "Shift+ArrowDown", "Shift+ArrowDown")
    page.until_title("3 chosen")
    assert page.page.get_attribute("[title=car]", "aria-pressed") == "mixed"
    page.press("c", "r")
    page.until_saved()
    assert classes_of(drive) == [{"car", "road"}] * 3
    page.press("Control+z")
    page.until("document.querySelector('[title=road]').getAttribute('aria-pressed') === 'false'")
    page.press("Control+y", "Home", "Shift+End", "Enter")
    page.until_saved()
    assert "state" not in drive.with_name(drive.name + ".tags.yaml").read_text().partition("\n")[2]
    page.press("Home", "Shift+ArrowDown", "m")
    page.until_title("of 2")
    page.until_saved()
    assert [end for _, end, _ in tags_of(drive)] == [4.0, 6.0]


def test_a_filter_leaves_the_clips_of_a_class(page: PageDriver, drive: Path) -> None:
    page.press("c", "Enter", "r", "Enter", "c", "r", "Enter")
    page.until_saved()
    page.page.select_option("#filter", "has:car")
    page.until_title("Filtered clip 2 of 2")  # people stay where they are, if that clip is among them
    page.press("Home")
    page.until_title("Filtered clip 1 of 2")
    page.press("ArrowRight")
    assert page.ticked() == {"car", "road"}
    page.press("c")  # it stays in the list, lest it vanish under the hand
    page.until_title("Filtered clip 2 of 2")
    page.page.select_option("#filter", "has:fence")
    page.until_title("no clip with fence")
    page.page.select_option("#filter", "")
    page.until_title("Clip 3 of 3")


def test_summary_and_help_open(page: PageDriver) -> None:
    page.press("c", "Enter")
    page.until_saved()
    page.page.click("#open-summary")
    page.page.wait_for_selector("#summary[open] .matrix")
    assert "1\nof 3 clips done" in page.text("summary-body")
    page.press("Escape", "?")
    page.page.wait_for_selector("#help[open]")


def test_tags_go_out_and_come_in_by_the_page(page: PageDriver, drive: Path, tmp_path: Path) -> None:
    page.press("c", "Enter", "r", "Enter")
    page.until_saved()
    before = tags_of(drive)
    page.page.click("#open-exchange")
    for number in range(3):
        with page.page.expect_download() as download:
            page.page.locator("#exports a").nth(number).click()
        file = tmp_path / f"{number}-{download.value.suggested_filename}"
        download.value.save_as(file)
        page.page.set_input_files("#import", file)
        page.until("document.getElementById('import-answer').textContent.startsWith('✓ 2 clips imported')")
        page.page.evaluate("document.getElementById('import-answer').textContent = ''")
        assert tags_of(drive) == before, file.name
    (tmp_path / "bad.csv").write_text("drive,start\n")
    page.page.set_input_files("#import", tmp_path / "bad.csv")
    page.until("document.getElementById('import-answer').textContent.includes('is missing')")


def test_iconic_pictures_are_sorted_by_keyboard(browser: Any, tmp_path: Path) -> None:
    pictures = make_folder(tmp_path / "pictures", 3)
    with serve("--iconic", pictures) as server:
        page = PageDriver(browser, server.address)
        page.press("r", "s", "-", "Backspace", "n")
        page.until_saved()
        sorted_out = tmp_path / "pictures.sorted"
        assert sorted(str(file.relative_to(sorted_out)) for file in sorted_out.rglob("*.png")) == [
            "road/0.png",
            "sky/1.png",
        ]
        assert page.text("progress") == "2 of 3 pictures"
        page.close()


def test_the_page_says_when_a_video_cannot_be_read(browser: Any, drive: Path) -> None:
    with serve(drive, *ALONE) as server:
        drive.write_bytes(b"")
        page = PageDriver(browser, server.address)
        page.page.wait_for_selector("#trouble:not([hidden])")
        page.press("Space")
        page.until("document.getElementById('play').textContent === '▶'")
        page.press("u")
        page.until_saved()
        assert "unsure" in drive.with_name(drive.name + ".tags.yaml").read_text()
        assert json.dumps(page.errors) == "[]"
        page.close()
