"""One drive of several: `wsvs segment` in a process of its own, so that whatever happens to it, the others go on."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.results import SUMMARY

_LAST_WORDS = 600  # characters of what a process said that are kept


@dataclass(frozen=True)
class Outcome:
    """
    What became of a drive.

    :param state: `done`, `failed` or `interrupted`.
    :param said: the error, or the last line of a process that ended without one.
    """

    state: str
    said: str
    frames: int = 0
    seconds: float = 0.0


def start(options: dict[str, Any]) -> subprocess.Popen[str]:
    """
    Start a process for one drive, in a session of its own, so that Ctrl-C reaches it only through its parent.

    :param options: what `wsvs segment` was told, as plain data.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "wsvs_ros.runs.segment_worker", json.dumps(options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def outcome(process: subprocess.Popen[str], options: dict[str, Any]) -> Outcome:
    """Wait for a process and say what became of its drive."""
    try:
        text = process.communicate()[0].strip()
    except BaseException:  # the one who waits was interrupted: so is the drive, which finishes its files
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    said = text.rpartition("\n")[2][-_LAST_WORDS:]
    summary = _summary(Path(options["output"]))
    if process.returncode < 0:
        said = f"its process was ended by {signal.Signals(-process.returncode).name}" + (f" ({said})" if said else "")
    state = {0: "done", 130: "interrupted"}.get(process.returncode, "failed")
    frames, seconds = int(summary.get("frames", 0)), float(summary.get("seconds", 0.0))
    return Outcome(state, said.removeprefix("error: "), frames, seconds)


def as_plain_data(args: argparse.Namespace, **changed: Any) -> dict[str, Any]:
    """A command line as JSON can hold it."""
    options = {**vars(args), **changed}
    return {key: str(value) if isinstance(value, Path) else value for key, value in options.items() if key != "run"}


def _summary(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / SUMMARY).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def main() -> int:
    """The process: the options are its argument."""
    from wsvs_ros.runs.segment_drive import segment_drive

    logging.basicConfig(format="%(message)s")
    args = argparse.Namespace(**json.loads(sys.argv[1]))
    args.output = Path(args.output)
    if args.share is not None:  # of several at once, none takes the others' cores
        import cv2

        cv2.setNumThreads(args.share)
    try:
        return segment_drive(args)
    except WsvsError as error:
        print(f"error: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
