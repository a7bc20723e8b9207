"""The real command line, run as users run it."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from cli_support import Wsvs, command, environment


@pytest.fixture
def wsvs() -> Wsvs:
    """Run `wsvs ...` to its end."""

    def run(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        options.setdefault("timeout", 120)
        return subprocess.run(command(*arguments), capture_output=True, text=True, env=environment(), **options)

    return run
