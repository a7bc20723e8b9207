"""What C libraries print to standard error while they work, caught."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_lock = threading.Lock()  # guards the next three
_users = 0
_stderr = _caught = -1  # descriptors of the real standard error, and of what is caught


@contextmanager
def caught_lines(of_library: re.Pattern[str]) -> Iterator[list[str]]:
    """
    Keep a C library's own lines from standard error; what others print meanwhile is passed on afterwards.

    Standard error is one for the whole process, so that several threads at once share what is caught.

    :param of_library: matches the beginning of a line that the library prints.
    :return: its lines, there when the context is left by the last thread that is in one.
    """
    lines: list[str] = []
    held = _redirect()
    try:
        yield lines
    finally:
        if held:
            others: list[str] = []
            for line in _restore().splitlines(keepends=True):
                (lines if of_library.match(line) else others).append(line)
            if others:
                with suppress(OSError):  # a full disk behind it
                    os.write(2, "".join(others).encode())


def _redirect() -> bool:
    """Whether standard error goes to memory now; not where it is closed."""
    global _users, _stderr, _caught
    with _lock:
        if _users == 0:
            try:
                _stderr, _caught = os.dup(2), os.memfd_create("stderr")
            except OSError:
                return False
            os.dup2(_caught, 2)
        _users += 1
        return True


def _restore() -> str:
    global _users
    with _lock:
        _users -= 1
        if _users:
            return ""
        os.dup2(_stderr, 2)
        os.close(_stderr)
        size = os.lseek(_caught, 0, os.SEEK_CUR)
        text = os.pread(_caught, size, 0).decode("utf-8", "replace")
        os.close(_caught)
        return text
