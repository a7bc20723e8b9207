"""One drive of several: a process of its own, so that whatever happens to it, the others go on."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.run_folder import RunFolder
from wsvs_ros.runs.task import SegmentTask

_LAST_WORDS = 600  # characters of a process's output that are kept
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Outcome:
    """
    What became of a drive.

    :param state: `running`, `done`, `failed` or `interrupted`.
    :param message: the error, or the last line of a process that ended without one.
    """

    state: str
    message: str = ""
    frames: int = 0
    seconds: float = 0.0


def start(task: SegmentTask) -> subprocess.Popen[str]:
    """Start a process for one drive, in a session of its own, so that Ctrl-C reaches it only through its parent."""
    return subprocess.Popen(
        [sys.executable, "-m", "wsvs_ros.runs.segment_worker", json.dumps(task.to_dict())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "WSVS_PARENT": str(os.getpid())},
    )


def outcome(process: subprocess.Popen[str], task: SegmentTask) -> Outcome:
    """Wait for a process and say what became of its drive."""
    try:
        text = process.communicate()[0].strip()
    except BaseException:  # the one who waits was interrupted: so is the drive, which finishes its files
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    message = text.rpartition("\n")[2][-_LAST_WORDS:]
    summary = RunFolder(task.output).summary()
    if process.returncode < 0:
        ended = f"its process was ended by {signal.Signals(-process.returncode).name}"
        message = f"{ended} ({message})" if message else ended
    state = {0: "done", 130: "interrupted"}.get(process.returncode, "failed")
    frames, seconds = int(summary.get("frames", 0)), float(summary.get("seconds", 0.0))
    return Outcome(state, message.removeprefix("error: "), frames, seconds)


def main() -> int:
    """The process: the task is its argument."""
    from wsvs_ros.runs.segment_drive import segment_drive

    logging.basicConfig(format="%(message)s")
    _end_with_parent()
    task = SegmentTask.from_dict(json.loads(sys.argv[1]))
    if task.cores is not None:
        import cv2

        cv2.setNumThreads(task.cores)
    try:
        return segment_drive(task)
    except WsvsError as error:
        print(f"error: {error}")
        return 2


def _end_with_parent() -> None:
    """
    Be interrupted when the parent is gone: a drive that is tried again elsewhere must have one writer.

    Only Linux can; elsewhere a parent that is killed leaves its drives running to their ends.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.environ.get("WSVS_PARENT", str(os.getppid())) != str(os.getppid()):
        raise SystemExit(130)  # it was gone already


if __name__ == "__main__":
    sys.exit(main())
