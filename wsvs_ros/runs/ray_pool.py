"""Several drives at once on a Ray cluster: archives larger than one machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.segment_worker import Outcome, outcome, start
from wsvs_ros.runs.task import SegmentTask

_POLL = 0.5  # seconds
_ATTEMPTS = 3  # machines on which a drive is tried


class RayPool:
    """
    One task a drive. The machines see inputs and outputs under the same paths, and have this package installed.

    A drive whose machine is lost goes on elsewhere, with what it did.

    :param address: of the cluster, e.g. `ray://head:10001` or `auto`; `local` begins one here.
    :raises WsvsError: if Ray is not installed or the cluster does not answer.
    """

    def __init__(self, address: str, tasks: Sequence[SegmentTask]) -> None:
        try:
            import ray
        except ImportError as error:
            raise WsvsError(f"--ray needs Ray: pip install 'wsvs_ros[ray]' ({error})") from error
        self._ray, self._tasks = ray, tasks
        try:
            if not ray.is_initialized():
                ray.init(
                    address=None if address == "local" else address, log_to_driver=False, logging_level=logging.ERROR
                )
        except Exception as error:  # of connections, versions and sessions; they share no base class
            raise WsvsError(f"--ray {address}: no cluster answers there: {error}") from error

    def run(self, interruption: Interruption) -> Iterator[tuple[int, Outcome]]:
        """Each drive's number when it ends; an interruption ends those at work."""
        ray = self._ray
        passed_on = False
        running: dict[Any, tuple[int, SegmentTask, int]] = {}
        for index, task in enumerate(self._tasks):
            running[self._submit(task)] = index, task, 1
            yield index, Outcome("running")
        while running:
            if interruption.wanted and not passed_on:
                passed_on = True
                for reference in running:
                    ray.cancel(reference, force=False)
            for reference in ray.wait(list(running), timeout=_POLL)[0]:
                index, task, attempt = running.pop(reference)
                try:
                    yield index, Outcome(*ray.get(reference))
                except Exception as error:  # a machine that was lost, a task that was cancelled
                    if interruption.wanted:
                        yield index, Outcome("interrupted")
                    elif attempt < _ATTEMPTS:
                        running[self._submit(task.again())] = index, task.again(), attempt + 1
                    else:
                        yield index, Outcome("failed", f"{attempt} machines gave no answer: {error}".splitlines()[0])

    def _submit(self, task: SegmentTask) -> Any:
        # not Ray's own retries: those would begin the drive anew, in a folder that is not empty any more
        remote = self._ray.remote(_segment).options(num_cpus=task.options.threads or 1, max_retries=0)
        return remote.remote(task.to_dict())


def _segment(content: dict[str, Any]) -> tuple[str, str, int, float]:
    """On a machine of the cluster: a process of its own there, too, whose end the task survives."""
    task = SegmentTask.from_dict(content)
    found = outcome(start(task), task)
    return found.state, found.message, found.frames, found.seconds
