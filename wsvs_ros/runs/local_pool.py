"""Several drives at once on this machine."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.segment_worker import Outcome, outcome, start
from wsvs_ros.runs.task import SegmentTask

_POLL = 0.2  # seconds


class LocalPool:
    """
    A process for each drive, so many at a time.

    :param jobs: at a time.
    """

    def __init__(self, jobs: int, tasks: Sequence[SegmentTask]) -> None:
        self._jobs, self._tasks = jobs, tasks
        self._running: dict[Future[Outcome], tuple[int, subprocess.Popen[str]]] = {}

    def run(self, interruption: Interruption) -> Iterator[tuple[int, Outcome]]:
        """Each drive's number, when it starts (`running`) and when it ends; an interruption ends those at work."""
        waiting = list(range(len(self._tasks)))
        passed_on = False
        with ThreadPoolExecutor(self._jobs) as threads:
            while self._running or (waiting and not interruption.wanted):
                while waiting and len(self._running) < self._jobs and not interruption.wanted:
                    index = waiting.pop(0)
                    process = start(self._tasks[index])
                    self._running[threads.submit(outcome, process, self._tasks[index])] = index, process
                    yield index, Outcome("running")
                if interruption.wanted and not passed_on:
                    passed_on = True
                    for _, process in self._running.values():
                        process.send_signal(signal.SIGINT)
                for future in wait(self._running, timeout=_POLL, return_when=FIRST_COMPLETED).done:
                    index, _ = self._running.pop(future)
                    yield index, future.result()
