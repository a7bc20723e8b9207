"""Work that is spread over the cores: one process a core, each with one thread."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import cv2
import torch
from tqdm import tqdm

from wsvs_ros.errors import WsvsError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """
    :param name: for messages.
    :param arguments: of the function; they are sent to another process.
    :param frames: how far the job moves the progress bar.
    """

    name: str
    arguments: tuple[Any, ...]
    frames: int = 1


def run_jobs(
    function: Callable[..., None],
    jobs: Sequence[Job],
    *,
    task: str,
    on_error: str = "stop",
    prepare: Callable[..., None] | None = None,
    prepared: tuple[Any, ...] = (),
) -> dict[str, str]:
    """
    Run a function once a job, in as many processes as there are cores.

    :param function: of a module, so that another process finds it; keeps its result itself.
    :param task: what the progress bar says.
    :param on_error: ``skip`` leaves jobs out that raise a WsvsError, with a warning.
    :param prepare: run first in each process, with the arguments ``prepared``.
    :return: by name of each job that was left out, what it raised.
    :raises WsvsError: what a job raises; jobs that have not begun are not begun then.
    """
    left_out: dict[str, str] = {}
    if not jobs:
        return left_out
    processes = min(len(os.sched_getaffinity(0)), len(jobs))
    pool = ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(prepare, prepared)
    )
    with pool, tqdm(total=sum(job.frames for job in jobs), desc=task, unit="frame") as bar:
        running = {pool.submit(function, *job.arguments): job for job in jobs}
        try:
            for done in as_completed(running):
                try:
                    done.result()
                except WsvsError as error:
                    if on_error == "stop":
                        raise
                    _LOG.warning("%s left out: %s", running[done].name, error)
                    left_out[running[done].name] = str(error)
                bar.update(running[done].frames)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return left_out


def _begin(prepare: Callable[..., None] | None, prepared: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits for the jobs stops them
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if prepare is not None:
        prepare(*prepared)
