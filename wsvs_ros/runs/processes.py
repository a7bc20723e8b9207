"""The processes of `wsvs demo`: started with a log each, watched, stopped together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from wsvs_ros.errors import WsvsError

_STOP = 20.0  # seconds that all together may take to finish their files
_POLL = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Processes:
    """
    Subcommands of `wsvs` that run beside each other.

    Leaving the context stops them the way Ctrl-C does, also when this process is told to end.

    :param folder: where the logs go, `<command>.log`.
    :param common: arguments that every subcommand gets.
    """

    def __init__(self, folder: Path, common: list[str]) -> None:
        self._folder, self._common = folder, common
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Processes:
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number in _SIGNALS:
            if self._before[number] != signal.SIG_IGN:  # as nohup leaves it
                signal.signal(number, _interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop()
        failed = [command for command, child in self._running.items() if child.returncode]
        if kind is None and failed:
            raise WsvsError("\n".join(["a process failed:", *map(self._tail, failed)]))

    def start(self, command: str, *arguments: str) -> None:
        """Start a subcommand in a session of its own, so that Ctrl-C reaches this process alone."""
        with open(self._log(command), "wb") as log:
            self._running[command] = subprocess.Popen(
                [sys.executable, "-m", "wsvs_ros.cli.main", command, *arguments, *self._common],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, command: str, sign: str, seconds: float) -> None:
        """
        Wait until a subcommand's log shows `sign`.

        :raises WsvsError: with the log's last lines, if it ends before or takes longer.
        """
        until = time.monotonic() + seconds
        while sign not in self._log(command).read_text(errors="replace"):
            if self._running[command].poll() is not None or time.monotonic() > until:
                raise WsvsError(f"`wsvs {command}` did not start:\n{self._tail(command)}")
            time.sleep(_POLL)

    def wait_for_end(self, command: str, seconds: float) -> None:
        """
        Wait until a subcommand is done.

        :raises WsvsError: with the log's last lines, if it fails or takes longer, or if another one ends.
        """
        until = time.monotonic() + seconds
        while self._running[command].poll() is None:
            for other, child in self._running.items():
                if other != command and child.poll() is not None:
                    raise WsvsError(f"`wsvs {other}` ended in the midst of it:\n{self._tail(other)}")
            if time.monotonic() > until:
                raise WsvsError(f"`wsvs {command}` does not end:\n{self._tail(command)}")
            time.sleep(_POLL)
        if self._running[command].returncode:
            raise WsvsError(f"`wsvs {command}` failed:\n{self._tail(command)}")

    def _stop(self) -> None:
        """Interrupt what still runs and wait for its files; further signals wait until that is done."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for child in self._running.values():
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        until = time.monotonic() + _STOP
        for child in self._running.values():
            try:
                child.wait(timeout=max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _tail(self, command: str) -> str:
        lines = self._log(command).read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"  {command}: {line}" for line in lines)

    def _log(self, command: str) -> Path:
        return self._folder / f"{command}.log"


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
