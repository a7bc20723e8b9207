"""A drive through the live node, and its labels brought into the form of any other run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.frame_log import FrameLog, FrameRecord
from wsvs_ros.drives.label_topics import LabelTopics
from wsvs_ros.drives.writers import LabelWriter
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception import ModelBundle, default_bundle_path
from wsvs_ros.runs.fingerprint import fingerprint
from wsvs_ros.runs.live_session import LiveSession
from wsvs_ros.runs.options import OptionsError, SegmentOptions
from wsvs_ros.runs.run_folder import RunFolder
from wsvs_ros.runs.task import SegmentTask

_ONLY_OFFLINE = {  # options that the node does not have, as the command line spells them
    "motion": "--no-motion",
    "compile": "--compile",
    "confidence": "--confidence",
    "start": "--start",
    "end": "--end",
    "every": "--every",
    "only_labels": "--only-labels",
}
_PARAMETERS = ("engine", "precision", "threads", "workspace_mb", "lookahead", "device", "flow_prior", "crf")


def replay_live(task: SegmentTask, *, domain: int | None = None) -> None:
    """
    Play the drive to the node at its own rate and take its labels down by the frames' names and stamps.

    :raises WsvsError: if a process fails, no label comes, or an option is not one of the node's.
    """
    options, folder = task.options, RunFolder(task.output)
    for name, option in _ONLY_OFFLINE.items():
        if getattr(options, name) != getattr(SegmentOptions(), name):
            raise OptionsError(f"{option}: the node has no such setting; leave it out, or replay without --realtime")
    if len(options.topics) > 1 or options.topics == ("all",):
        raise OptionsError("--topic: one topic is played to the node")
    bundle = ModelBundle.load(options.model or default_bundle_path())
    topic = options.topics[0] if options.topics else None
    with open_drive(task.input, topic=topic, fps=options.fps) as drive:  # before the folder is made
        settings = options.identity(drive, bundle, "the node, in real time")
    folder.prepare(overwrite=task.overwrite, source=task.input)
    folder.live.mkdir()
    session = LiveSession(
        task.input,
        folder.live,
        bundle,
        topic=topic,
        fps=options.fps,
        parameters=_parameters(options),
        domain=domain,
    )
    print(f"playing {task.input} to the node at its own rate", flush=True)
    session.run()
    _take_down(task, folder, session, settings)


def _parameters(options: SegmentOptions) -> tuple[str, ...]:
    """The node's parameters, those that are not what the node has anyhow; a lookahead of 0 is one."""
    chosen = {name: getattr(options, name) for name in _PARAMETERS}
    chosen = {name: value for name, value in chosen.items() if value != getattr(SegmentOptions(), name)}
    if options.providers:
        chosen["providers"] = ",".join(options.providers)
    return tuple(f"{name}={str(value).lower() if value is True else value}" for name, value in chosen.items())


def _take_down(task: SegmentTask, folder: RunFolder, session: LiveSession, settings: dict[str, Any]) -> None:
    """Labels by the frames' own names and stamps, with the time from publishing to receipt."""
    published, bundle = session.published, session.bundle
    labels, log = LabelWriter(folder.labels), FrameLog(folder.path)
    latencies = []
    try:
        for stamp, received, image in _received(session.bag):
            if stamp in published:
                name, own_stamp = published[stamp]
                latency = (received - stamp) * 1e-6
                latencies.append(latency)
                labels.write(name, image)
                log.write(FrameRecord(name, own_stamp, "camera", latency))
    finally:
        log.close()
    if not latencies:
        raise WsvsError(f"no label came of this drive; what the node says about it: {folder.live / 'run.log'}")
    p50, p95, p99 = (float(value) for value in np.percentile(latencies, (50, 95, 99)))
    played = session.played
    folder.write_summary(
        {
            "input": task.input,
            "fingerprint": fingerprint(task.input),
            "complete": True,
            "realtime": True,
            "frames": len(latencies),
            "played": played["frames"],
            "skipped": played["frames"] - len(latencies),
            "seconds": played["seconds"],
            "fps": len(latencies) / played["seconds"],
            "latency_ms": {"p50": p50, "p95": p95, "p99": p99},
            "model": {"name": bundle.name, "path": str(bundle.path), "sha256": bundle.sha256},
            "label_set": bundle.labels.name,
            "classes": bundle.labels.to_dict(),
            "engine": settings["engine"],
            "settings": settings,
        }
    )
    print(
        f"{len(latencies)} of {played['frames']} frames labelled, latency {p50:.0f} ms (p95 {p95:.0f}): {folder.path}"
    )


def _received(bag: Path) -> Iterator[tuple[int, int, np.ndarray]]:
    """(published stamp, time of receipt, label map) of each label, in nanoseconds."""
    try:
        drive = open_drive(bag, topic=LabelTopics().label)
    except DriveError:
        return
    with drive:
        for frame in drive:
            yield frame.stamp_ns, frame.source[1], np.ascontiguousarray(frame.image[..., 0])
