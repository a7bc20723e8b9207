"""Several drives at once on a Ray cluster: archives larger than one machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.segment_worker import Outcome, outcome, start

_POLL = 0.5  # seconds


class RayPool:
    """
    One task a drive. The machines see inputs and outputs under the same paths, and have this package installed.

    :param address: of the cluster, e.g. `ray://head:10001` or `auto`; `local` begins one here.
    :param options: of each drive.
    :raises WsvsError: if Ray is not installed or the cluster does not answer.
    """

    def __init__(self, address: str, options: list[dict[str, Any]]) -> None:
        try:
            import ray
        except ImportError as error:
            raise WsvsError(f"--ray needs Ray: pip install 'wsvs_ros[ray]' ({error})") from error
        self._ray, self._options = ray, options
        try:
            if not ray.is_initialized():
                ray.init(
                    address=None if address == "local" else address, log_to_driver=False, logging_level=logging.ERROR
                )
        except Exception as error:  # of connections, versions and sessions; they share no base class
            raise WsvsError(f"--ray {address}: no cluster answers there: {error}") from error

    def __call__(self, interruption: Interruption) -> Iterator[tuple[int, Outcome]]:
        """Each drive's number when it ends; an interruption ends those at work."""
        ray = self._ray
        told = False
        tasks: dict[Any, int] = {}
        for index, options in enumerate(self._options):
            task = ray.remote(_segment).options(num_cpus=options["threads"] or 1, max_retries=1)
            tasks[task.remote(options)] = index
            yield index, Outcome("running", "")
        while tasks:
            if interruption.wanted and not told:
                told = True
                for task in tasks:
                    ray.cancel(task, force=False)
            for task in ray.wait(list(tasks), timeout=_POLL)[0]:
                yield tasks.pop(task), self._result(task, interruption)

    def _result(self, task: Any, interruption: Interruption) -> Outcome:
        try:
            return Outcome(*self._ray.get(task))
        except Exception as error:  # a machine that was lost, a task that was cancelled
            if interruption.wanted:
                return Outcome("interrupted", "")
            return Outcome("failed", f"its machine gave no answer: {error}".splitlines()[0])


def _segment(options: dict[str, Any]) -> tuple[str, str, int, float]:
    """On a machine of the cluster: a process of its own there, too, whose end the task survives."""
    found = outcome(start(options), options)
    return found.state, found.said, found.frames, found.seconds
