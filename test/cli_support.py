"""The real command line, run as users run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Wsvs = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).resolve().parents[1]


def command(*arguments: Any) -> list[str]:
    """`wsvs` with arguments, in this interpreter."""
    return [sys.executable, "-m", "wsvs_ros.cli.main", *map(str, arguments)]


def environment() -> dict[str, str]:
    """This environment with the checkout importable from any folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def interruptible() -> None:
    """In a child that starts: Ctrl-C works as at a terminal, also if these tests run in a shell's background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
