"""The tagging page, as somebody at the keyboard meets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsvs_ros.drives import load_clip_tags
from wsvs_ros.perception import LabelSet

CAMVID = LabelSet.load("camvid11")

# Answers to addresses that contain `holdBack` stay with the page until `release()`.
_HOLD = """
window.heldBack = [];
window.holdBack = null;
window.release = () => { window.holdBack = null; window.heldBack.splice(0).forEach((go) => go()); };
const real = window.fetch;
window.fetch = async (address, options) => {
  const answer = await real(address, options);
  if (window.holdBack && String(address).includes(window.holdBack)) {
    const text = await answer.clone().text();
    await new Promise((go) => window.heldBack.push(Object.assign(go, { text })));
  }
  return answer;
};
"""


class PageDriver:
    """
    A page in a browser of its own kind; errors in its console fail the test when it is closed.

    :param address: that opens it.
    :param hold_back: answers to addresses that contain this stay away from the beginning.
    """

    def __init__(self, browser: Any, address: str, *, hold_back: str = "") -> None:
        self.page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        self.page.set_default_timeout(20_000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.add_init_script(f"{_HOLD}; window.holdBack = '{hold_back}';")
        self.go(address)

    def go(self, address: str) -> None:
        """Open an address and wait until its page is ready."""
        self.page.goto(address)
        self.page.wait_for_selector("body[data-ready=yes]")

    def press(self, *keys: str) -> None:
        """Keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def until(self, expression: str) -> None:
        """Wait for an expression; the page's own rules forbid what Playwright's wait_for_function does."""
        for _ in range(400):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {expression}")

    def until_title(self, text: str) -> None:
        """Wait until the title holds a text."""
        self.until(f"document.getElementById('title').textContent.includes({text!r})")

    def until_saved(self) -> None:
        """Wait until nothing is on its way."""
        self.until("document.getElementById('saved').textContent === '✓ saved'")

    def text(self, name: str) -> str:
        """What an element shows."""
        return str(self.page.inner_text(f"#{name}"))

    def ticked(self) -> set[str]:
        """The classes that are ticked."""
        script = "[...document.querySelectorAll('.class[aria-pressed=true]')].map((node) => node.title)"
        return set(self.page.evaluate(script))

    def hold_back(self, part: str) -> None:
        """Keep answers whose address holds this, and wait for the first one."""
        self.page.evaluate(f"window.holdBack = {part!r}")
        self.until("window.heldBack.length > 0")

    def close(self) -> None:
        """Close it; nothing went wrong in it."""
        self.page.context.close()
        assert self.errors == []


def tags_of(drive: Path) -> list[tuple[float, float, frozenset[str]]]:
    """The clips of a drive's file that are done."""
    clips = load_clip_tags(drive.with_name(drive.name + ".tags.yaml"), CAMVID, unfinished=True)
    return [(clip.start, clip.end, clip.tags) for clip in clips[drive.name]]


def classes_of(drive: Path) -> list[set[str]]:
    """The tags of the clips in a drive's file, unfinished ones among them."""
    return [set(tags) for _, _, tags in tags_of(drive)]
