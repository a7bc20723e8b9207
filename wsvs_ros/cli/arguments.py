"""Types of command-line arguments that several subcommands share."""

from __future__ import annotations

import argparse
import math


def positive(text: str) -> float:
    """A finite number above 0, e.g. a rate."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is needed")
    return value


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a whole number, 1 or more, is needed")
    return int(text)
