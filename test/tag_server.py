"""`wsvs tag` as people start it, and the address that it prints."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cli_support import command, environment


@dataclass(frozen=True)
class Served:
    """A server that runs: what it printed before it told its address."""

    process: subprocess.Popen[str]
    address: str
    told: str


@contextmanager
def serve(*arguments: Any) -> Iterator[Served]:
    """Start the server without a browser and stop it in the end."""
    process = subprocess.Popen(
        command("tag", "--no-browser", *arguments), stdout=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            found = re.match(r"open (http://\S+)", line)
            if found:
                break
            told += line
        else:
            raise AssertionError(f"the server told no address: {told}")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Served(process, found[1], told)
    finally:
        process.kill()
        process.wait()
