"""The root of every error that a user can mend."""

from __future__ import annotations


class WsvsError(Exception):
    """
    Something is wrong with what the user gave or with the machine, and the text says what to do.

    The command line prints the text without a traceback. A part of the package that has errors of its own
    kind derives them from this class beside the code that raises them.
    """
