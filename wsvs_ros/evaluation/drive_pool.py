"""Several drives evaluated at once: a process each on this machine, or a task each on a Ray cluster."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from wsvs_ros.errors import WsvsError

_ATTEMPTS = 3  # machines on which a drive is tried
_POLL = 1.0  # seconds
_LAST_WORDS = 600  # characters of what a process printed that are kept


def evaluate_here(commands: Sequence[Sequence[str]], jobs: int) -> Iterator[tuple[int, str]]:
    """
    Run `wsvs` with each of some arguments.

    :param jobs: at a time.
    :return: as they end, each one's number and what went wrong with it, or nothing.
    """
    with ThreadPoolExecutor(jobs) as threads:
        running = {threads.submit(run_command, list(command)): index for index, command in enumerate(commands)}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def evaluate_on_ray(commands: Sequence[Sequence[str]], address: str) -> Iterator[tuple[int, str]]:
    """
    :func:`evaluate_here` on a cluster, whose machines see the same paths and have this package installed.

    A drive whose machine is lost is tried again elsewhere.

    :param address: of the cluster, e.g. `ray://head:10001` or `auto`; `local` begins one here.
    :raises WsvsError: if Ray is not installed or the cluster does not answer.
    """
    try:
        import ray
    except ImportError as error:
        raise WsvsError(f"--ray needs Ray: pip install 'wsvs_ros[ray]' ({error})") from error
    try:
        if not ray.is_initialized():
            ray.init(address=None if address == "local" else address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # of connections, versions and sessions; they share no base class
        raise WsvsError(f"--ray {address}: no cluster answers there: {error}") from error
    task: Any = ray.remote(run_command).options(num_cpus=1, max_retries=0)
    running = {task.remote(list(command)): (index, 1) for index, command in enumerate(commands)}
    try:
        while running:
            for reference in ray.wait(list(running), timeout=_POLL)[0]:
                index, attempt = running.pop(reference)
                try:
                    yield index, ray.get(reference)
                except Exception as error:  # a machine that was lost; Ray's errors of that share no base class
                    if attempt == _ATTEMPTS:
                        yield index, f"{attempt} machines gave no answer: {error}".splitlines()[0]
                    else:
                        running[task.remote(list(commands[index]))] = index, attempt + 1
    finally:
        for reference in running:
            ray.cancel(reference, force=False)


def run_command(arguments: list[str]) -> str:
    """`wsvs` in a process of its own: what went wrong, or nothing."""
    process = subprocess.run(
        [sys.executable, "-m", "wsvs_ros.cli.main", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if process.returncode == 0:
        return ""
    if process.returncode < 0:
        return f"its process was ended by {signal.Signals(-process.returncode).name}"
    last = process.stdout.strip().rpartition("\n")[2][-_LAST_WORDS:]
    return last.removeprefix("error: ") or f"its process ended with {process.returncode}"
