"""A drive played as a camera, the node in a process of its own, and its labels taken down frame by frame."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from wsvs_ros.drives.bag_writer import LABEL_TOPIC
from wsvs_ros.drives.frame_log import FrameLog, FrameRecord
from wsvs_ros.drives.writers import LabelWriter
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json
from wsvs_ros.runs.domains import free_domain
from wsvs_ros.runs.processes import Processes
from wsvs_ros.runs.results import SUMMARY

_START = 60.0  # seconds that a process may take to start
_READY = "->"  # node and recorder say so, with what they read and write
_LONGEST = 24 * 3600.0  # seconds, of a drive that does not tell its length
_PARAMETERS = {  # option of the command line -> the node's parameter
    "engine": "engine",
    "precision": "precision",
    "providers": "providers",
    "threads": "threads",
    "workspace_mb": "workspace_mb",
    "lookahead": "lookahead",
    "device": "device",
    "flow_prior": "flow_prior",
    "crf": "crf",
}


def replay_live(args: argparse.Namespace) -> None:
    """
    Play, run and record; then bring the labels into the form that `wsvs segment` writes.

    :raises WsvsError: if a process fails, no label comes, or an option is not one of the node's.
    """
    from wsvs_ros.drives import open_drive
    from wsvs_ros.perception import ModelBundle, default_bundle_path

    for option, name in (("no_motion", "--no-motion"), ("compile", "--compile"), ("confidence", "--confidence")):
        if getattr(args, option):
            raise WsvsError(f"{name}: the node has no such setting; leave it out, or replay without --realtime")
    bundle = ModelBundle.load(args.model or default_bundle_path())
    with open_drive(args.input, topic=args.topic, fps=args.fps) as drive:
        rate, count = drive.fps, drive.frame_count
    live = args.output / "live"
    live.mkdir()
    classes = live / "labels.yaml"
    classes.write_text(yaml.safe_dump(bundle.labels.to_dict(), sort_keys=False), encoding="utf-8")
    _play(args, bundle, live, rate, count)
    _take_down(args, bundle, live, rate)


def _play(args: argparse.Namespace, bundle: Any, live: Path, rate: float | None, count: int | None) -> None:
    domain = free_domain() if args.domain is None else args.domain
    play = [args.input, "--json", str(live / "play.json"), "--frames-log", str(live / "frames.txt")]
    play += ["--input-topic", args.topic] if args.topic else []
    play += ["--fps", str(args.fps)] if args.fps else []
    record = ["-o", str(live), "--label-set", str(live / "labels.yaml"), *(["--fps", str(rate)] if rate else [])]
    seconds = count / rate if count and rate else _LONGEST
    print(f"playing {args.input} to the node at its own rate", flush=True)
    with Processes(live, ["--localhost", "--domain", str(domain)]) as processes:
        processes.start("record", *record)
        processes.start("run", "--model", str(bundle.path), *_parameters(args))
        for command in ("record", "run"):
            processes.wait_until_ready(command, _READY, _START)
        time.sleep(1.0)  # node and recorder meet each other; the player waits for the node itself
        processes.start("play", *play)
        processes.wait_for_end("play", 2 * seconds + _START)
        time.sleep(1.0)  # the last labels are on their way


def _parameters(args: argparse.Namespace) -> list[str]:
    """The node's parameters, those that were given."""
    found = []
    for option, name in _PARAMETERS.items():
        value = getattr(args, option)
        if value not in (None, False, ""):
            found += ["--param", f"{name}={str(value).lower() if value is True else value}"]
    return found


def _take_down(args: argparse.Namespace, bundle: Any, live: Path, rate: float | None) -> None:
    """Labels by the frames' own names and stamps, with the time from publishing to receipt."""
    played = _played(live / "frames.txt")
    labels, log = LabelWriter(args.output / "labels"), FrameLog(args.output)
    latencies = []
    try:
        for published, received, image in _received(live / "bag"):
            if published in played:
                name, stamp = played[published]
                latency = (received - published) * 1e-6
                latencies.append(latency)
                labels.write(name, image)
                log.write(FrameRecord(name, stamp, "camera", latency))
    finally:
        log.close()
    if not latencies:
        raise WsvsError(f"no label came of this drive; what the node says about it: {live / 'run.log'}")
    p50, p95, p99 = (float(value) for value in np.percentile(latencies, (50, 95, 99)))
    told = json.loads((live / "play.json").read_text(encoding="utf-8"))
    summary = {
        "input": str(args.input),
        "complete": True,
        "realtime": True,
        "frames": len(latencies),
        "played": told["frames"],
        "skipped": told["frames"] - len(latencies),
        "seconds": told["seconds"],
        "fps": len(latencies) / told["seconds"],
        "latency_ms": {"p50": p50, "p95": p95, "p99": p99},
        "model": {"name": bundle.name, "path": str(bundle.path), "sha256": bundle.sha256},
        "label_set": bundle.labels.name,
        "classes": bundle.labels.to_dict(),
        "engine": "the node, in real time",
        "settings": {"topic": args.topic, "fps": args.fps or rate},
    }
    write_json(args.output / SUMMARY, summary)
    print(f"{len(latencies)} of {told['frames']} frames labelled, latency {p50:.0f} ms (p95 {p95:.0f}): {args.output}")


def _played(path: Path) -> dict[int, tuple[str, int]]:
    """Published stamp -> the frame's name and own stamp."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, stamp, published = line.rsplit(" ", 2)
        found[int(published)] = name, int(stamp)
    return found


def _received(bag: Path) -> Any:
    """(published stamp, time of receipt, label map) of each label, in nanoseconds."""
    from wsvs_ros.drives import DriveError, open_drive

    try:
        drive = open_drive(bag, topic=LABEL_TOPIC)
    except DriveError:
        return
    with drive:
        for frame in drive:
            yield frame.stamp_ns, frame.source[1], np.ascontiguousarray(frame.image[..., 0])
