"""What the commands of the training subpackage have in common."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from training.config import Config
from wsvs_ros.errors import WsvsError


def command_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of ``python -m training.NAME CONFIG [section.key=value ...] [--work DIR]``."""
    parser = argparse.ArgumentParser(prog=f"python -m training.{name}", description=description)
    parser.add_argument("config", type=Path, help="YAML configuration")
    parser.add_argument("overrides", nargs="*", help="section.key=value")
    parser.add_argument("--work", type=Path, help="work directory (default: runs/<name>)")
    return parser


def work_folder(args: argparse.Namespace, config: Config) -> Path:
    """The work directory; made if it is new."""
    work: Path = args.work or Path("runs") / config.name
    work.mkdir(parents=True, exist_ok=True)
    return work


def _show_messages() -> None:
    """What is taken, made anew or left out goes to standard error; of several processes, the first one says it."""
    logging.basicConfig(format="%(message)s")
    first = os.environ.get("RANK", "0") == "0"
    logging.getLogger("training").setLevel(logging.INFO if first else logging.WARNING)


def run_command(job: Callable[[], str]) -> int:
    """
    Run a command's job and print what it returns.

    :return: the exit status: 0, 2 after an error that the user can mend, 130 after an interruption.
    """
    _show_messages()
    try:
        print(job())
    except WsvsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(str(interrupt) or "interrupted", file=sys.stderr)
        return 130
    return 0
