"""The root of every error that a user can mend, and how it quotes what others wrote."""

from __future__ import annotations

from typing import Any

_SHOWN = 40  # characters of a foreign text that an error quotes


class WsvsError(Exception):
    """
    Something is wrong with what the user gave or with the machine, and the text says what to do.

    The command line prints the text without a traceback. A part of the package that has errors of its own
    kind derives them from this class beside the code that raises them.
    """


def quoted(text: Any) -> str:
    """A foreign text as an error shows it: in quotes, on one line, its beginning if it is long."""
    shown = text if isinstance(text, str) else str(text)
    return repr(shown) if len(shown) <= _SHOWN else f"{shown[:_SHOWN]!r}... ({len(shown)} characters)"
