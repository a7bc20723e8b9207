"""
Tagging: what suggestions are worth, and how fast the page is on an hour-long drive.

    python -m benchmarks.tagging suggestions [--data DATA]     # CamVid train tags: precision, recall, key presses
    python -m benchmarks.tagging page [--minutes 60]           # needs Chromium and Playwright

`suggestions` takes each tagged image as a clip of its own. Note that the default model was trained on these tags.
`page` writes a 30 Hz video and tags it in a headless Chromium: seconds from the request of the page to the first
clip, milliseconds from Enter to the next clip, and the server's memory on the way.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.drives import load_image_tags
from wsvs_ros.perception import LabelSet, ModelBundle, default_bundle_path
from wsvs_ros.tagging.suggestions import THRESHOLD, SegmenterSuggester, ticked

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "camvid" / "train"


class _Picture:
    """One image as a drive."""

    duration = fps = 1.0

    def __init__(self, image: np.ndarray) -> None:
        self._image = image

    def at(self, seconds: float) -> np.ndarray:
        return self._image

    def close(self) -> None:
        """Nothing is held open."""


def measure_suggestions(data: Path) -> None:
    """Precision and recall of each class, and key presses with suggestions and without."""
    label_set = LabelSet.load("camvid11")
    truth = load_image_tags(data / "tags.json", label_set)
    suggester = SegmenterSuggester(ModelBundle.load(default_bundle_path()), label_set)
    said, seen = [], []
    for name, tags in truth.items():
        image = cv2.imread(str(data / "images" / name))
        said.append(tags)
        seen.append(ticked(suggester.scores(_Picture(image), name, 0.0, 1.0), THRESHOLD))
    print(f"{len(said)} images, threshold {THRESHOLD}\n\n| class | in images | precision, % | recall, % |")
    print("| --- | ---: | ---: | ---: |")
    for name in label_set.names:
        there = sum(name in tags for tags in said)
        found = sum(name in tags for tags in seen)
        right = sum(name in one and name in other for one, other in zip(said, seen, strict=True))
        print(f"| {name} | {there} | {_percent(right, found)} | {_percent(right, there)} |")
    nothing = sum(len(tags) + 1 for tags in said)  # a key a class, and Enter
    corrected = sum(len(one ^ other) + 1 for one, other in zip(said, seen, strict=True))
    same = both = 0  # with "same as previous" where that is shorter
    for before, one, other in zip([frozenset[str](), *said], said, seen, strict=False):
        copied = 2 + len(one ^ before)
        same += min(len(one) + 1, copied)
        both += min(len(one ^ other) + 1, copied)
    print(f"\nkey presses from nothing, Enter included: {nothing}; with suggestions: {corrected}, which saves ", end="")
    print(f"{100 * (1 - corrected / nothing):.1f} %")
    print(f"with `same as previous` where that is shorter: {same}; with that and suggestions: {both}")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


def measure_page(minutes: float, steps: int) -> None:
    """Tag a long drive in a real browser."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        drive = write_drive(Path(folder) / "long.mp4", minutes)
        print(f"{minutes:g} minutes at 30 Hz, {drive.stat().st_size / 1e6:.0f} MB")
        begun = time.perf_counter()
        command = [sys.executable, "-m", "wsvs_ros.cli.main", "tag", "--no-browser", str(drive)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            address = next(m[1] for line in server.stdout if (m := re.match(r"open (\S+)", line)))
            print(f"the server is ready after {time.perf_counter() - begun:.2f} s")
            with sync_playwright() as playwright:
                page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
                begun = time.perf_counter()
                page.goto(address)
                page.wait_for_selector("#still[data-clip]")
                print(f"first clip visible after {time.perf_counter() - begun:.2f} s")
                page.wait_for_timeout(2000)
                waits, memory = [], [_memory(server.pid)]
                for _ in range(steps):
                    waits.append(page.evaluate(_STEP))
                    memory.append(_memory(server.pid))
                    page.wait_for_timeout(700)  # a person looks at the clip
                print(f"next clip, {steps} times: median {np.median(waits):.0f} ms, ", end="")
                print(f"p95 {np.percentile(waits, 95):.0f} ms, longest {max(waits):.0f} ms")
                print(f"memory of the server: {memory[0]:.0f} MB at first, {max(memory):.0f} MB at most, ", end="")
                print(f"{memory[-1]:.0f} MB in the end; clips: {page.inner_text('#progress')}")
        finally:
            server.kill()
            server.wait()


_STEP = """() => new Promise((resolve) => {
  const before = document.getElementById("picture").dataset.clip, start = performance.now();
  window.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  const look = () => {
    const now = document.getElementById("picture").dataset.clip;
    const still = document.getElementById("still");
    if (now !== before && still.dataset.clip === now && still.complete) resolve(performance.now() - start);
    else if (performance.now() - start > 10000) resolve(10000);
    else requestAnimationFrame(look);
  };
  look();
})"""


def write_drive(path: Path, minutes: float) -> Path:
    """A 320x180 video at 30 Hz with a key frame every ten seconds; a picture slides, another every minute."""
    os.environ["OPENCV_FFMPEG_WRITER_OPTIONS"] = "g;300"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (320, 180))
    random = np.random.default_rng(0)
    for index in range(round(minutes * 1800)):
        if index % 1800 == 0:
            coarse = random.integers(0, 256, (12, 40, 3), np.uint8)
            scene = cv2.resize(coarse, (960, 180), interpolation=cv2.INTER_CUBIC)
        shift = index % 640
        writer.write(np.ascontiguousarray(scene[:, shift : shift + 320]))
    writer.release()
    return path


def _memory(pid: int) -> float:
    """Resident memory, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("what", choices=("suggestions", "page"))
    parser.add_argument("--data", type=Path, default=_DATA, help="tags.json and images/ (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the drive (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=60, help="clips that are tagged (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.what == "suggestions":
        measure_suggestions(arguments.data)
    else:
        measure_page(arguments.minutes, arguments.steps)


if __name__ == "__main__":
    main()
