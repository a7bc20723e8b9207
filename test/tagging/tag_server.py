"""`wsvs tag` as people start it, and the address that it prints."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cli_support import command, environment


@contextmanager
def serve(*arguments: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the server without a browser and stop it in the end."""
    process = subprocess.Popen(
        command("tag", "--no-browser", *arguments), stdout=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout is not None
        address = None
        for line in process.stdout:
            found = re.match(r"open (http://\S+)", line)
            if found:
                address = found[1]
                break
        assert address, "the server told no address"
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield process, address
    finally:
        process.kill()
        process.wait()
