"""Many drives at once: handed out to processes or machines, with account kept in a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from wsvs_ros.cores import usable_cores
from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.find_drives import find_drives, identity
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.local_pool import LocalPool
from wsvs_ros.runs.manifest import Manifest
from wsvs_ros.runs.ray_pool import RayPool
from wsvs_ros.runs.task import SegmentTask


def segment_archive(inputs: Sequence[str], task: SegmentTask, *, jobs: int = 1, ray: str | None = None) -> int:
    """
    Segment all drives; one that fails does not stop the others.

    :param inputs: drives, and folders of drives.
    :param task: how each is segmented; its output is the folder of all results.
    :param jobs: drives at a time.
    :param ray: address of a Ray cluster that does the work.
    :return: 0, or 130 if interrupted.
    :raises WsvsError: in the end, if any failed.
    """
    drives = find_drives(inputs, output=task.output)
    manifest = Manifest(task.output, drives, resume=task.resume, overwrite=task.overwrite)
    waiting = manifest.waiting()
    shared = _share_of_machine(task, jobs)
    tasks = [replace(shared, input=identity(entry.input), output=Path(entry.output).resolve()) for entry in waiting]
    pool = RayPool(ray, tasks) if ray else LocalPool(jobs, tasks)
    with Interruption() as interruption, tqdm(total=len(waiting), unit="drive", disable=task.quiet) as progress:
        for index, result in pool.run(interruption):
            manifest.note(waiting[index], result)
            if result.state == "failed":
                tqdm.write(f"failed: {waiting[index].input}: {result.message}")
            progress.update(result.state != "running")
    print(manifest.report())
    failed = manifest.failed
    if interruption.wanted:
        return 130
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise WsvsError(f"{failed[0].input}: {failed[0].error}{more}; see {manifest.path}")
    return 0


def _share_of_machine(task: SegmentTask, jobs: int) -> SegmentTask:
    """What one of several at a time may take."""
    task = replace(task, quiet=True)
    if jobs == 1:
        return task
    threads = task.options.threads or max(1, usable_cores() // jobs)
    return replace(task, options=replace(task.options, threads=threads), cores=threads)
