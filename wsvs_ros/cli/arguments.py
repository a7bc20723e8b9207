"""Types of command-line arguments, and options, that several subcommands share."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

from wsvs_ros.errors import WsvsError
from wsvs_ros.files import check_writable

DEVICES = r"auto|cpu|cuda(:\d+)?"


def positive(text: str) -> float:
    """A finite number above 0, e.g. a rate."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is needed")
    return value


def not_negative(text: str) -> float:
    """A finite number, 0 or more, e.g. a time."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: a number of 0 or more is needed")
    return value


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a whole number, 1 or more, is needed")
    return int(text)


def writable(text: str) -> Path:
    """A file that will be written when the work is done: that it can be is seen before."""
    try:
        check_writable(Path(text))
    except WsvsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return Path(text)


def device(text: str) -> str:
    """Where something is computed."""
    if not re.fullmatch(DEVICES, text):
        raise argparse.ArgumentTypeError(f"{text}: auto, cpu, cuda or cuda:NUMBER is needed")
    return text


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument(
        "--device",
        type=device,
        default="auto",
        metavar="{auto,cpu,cuda,cuda:N}",
        help="where the flow is computed (default: auto, with an engine on a GPU the faster of both)",
    )


def add_fps(parser: argparse.ArgumentParser) -> None:
    """Add `--fps`, the rate of a drive."""
    parser.add_argument("--fps", type=positive, help="frames per second (default: the drive's; 15 for folders)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", type=writable, metavar="FILE", help="write the figures there")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
