"""The image tests against the OpenCV of Debian and Ubuntu, which machines with ROS 2 have, under malloc's checks.

It is older than pip's and writes beyond a buffer where the newer one refuses.
"""

from __future__ import annotations

import ctypes.util
import os
import subprocess
from pathlib import Path

import pytest

PYTHON = "/usr/bin/python3"
ROOT = Path(__file__).resolve().parents[1]
_NEEDED = "import cv2, pytest, hypothesis, sys; sys.exit(cv2.__version__.split('.')[0] != '4')"


def test_images_and_decoding_under_mallocs_checks() -> None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment["PYTHONPATH"] = str(ROOT)
    ready = Path(PYTHON).exists() and subprocess.run([PYTHON, "-c", _NEEDED], env=environment, capture_output=True)
    if not ready or ready.returncode:
        pytest.skip(f"{PYTHON} has no OpenCV 4: apt install python3-opencv python3-pytest python3-hypothesis")
    environment.update(MALLOC_CHECK_="3", MALLOC_PERTURB_="165")
    if checks := ctypes.util.find_library("c_malloc_debug"):
        environment["LD_PRELOAD"] = checks  # glibc 2.34 and newer check nothing without it
    words = [PYTHON, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--noconftest"]
    words += [str(ROOT / "test" / name) for name in ("test_images.py", "test_decoding.py")]
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
