"""Motion segments of all shots (MC 3.2, 4.2): what the motion cue learns from.

Each shot is segmented once, in as many processes as there are cores, and kept in the work directory: a run that was
interrupted goes on with the next shot.
"""

from __future__ import annotations

import json
import logging
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.config import Config
from training.config.cues import MotionSegmentation
from training.cues.motion.segmentation import segment_shot
from training.cues.motion.shots import reliable_frames
from training.datasets import Sample
from training.datasets.sample import Shot
from training.networks.marks import BACKGROUND, FOREGROUND, NONE
from training.running.processes import Job, run_jobs
from training.running.work_directory import cache_name
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.flow import create_flow

_PIECE = 60  # frames segmented at once, to bound the memory
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SegmentedShot:
    """
    What is known of a shot once it is segmented.

    :param shares: the share of each frame that moves by itself.
    :param first, stop: the frames that are learnt from; equal where the shot is left out.
    """

    shares: tuple[float, ...]
    first: int
    stop: int


def make_motion_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Segment the shots of all samples, or take what earlier runs have segmented.

    :return: the folder; one ``<key>.npy`` a sample whose shot and frame are reliable, (h, w) uint8 marks of
        :mod:`training.networks.marks`. A lone image has no motion: its file holds one cell of no class.
    :raises WsvsError: if frames cannot be read, unless ``data.on_error`` is skip, or no shot is left.
    """
    include = {"working_size": True, "data": {"root", "drives", "datasets"}, "motion": {"segmentation"}}
    folder = work / "motion" / cache_name(config, include)
    shots: dict[str, Shot] = {}
    members: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for sample in samples:
        if sample.shot is None:
            _write(folder, sample.key, np.full((1, 1), NONE, np.uint8))
        else:
            shots[sample.shot.name] = sample.shot
            members[sample.shot.name].append((sample.key, sample.frame))
    if not shots:
        raise WsvsError(f"{config.name}: cue motion: the data is single images; give drives, or datasets with video")
    _segment_all(config, [shot for name, shot in shots.items() if not _record(folder, name).is_file()], members, folder)
    _report(folder, list(shots))
    return folder


def _segment_all(
    config: Config, shots: Sequence[Shot], members: dict[str, list[tuple[str, int]]], folder: Path
) -> None:
    settings = config.motion.segmentation
    jobs = [Job(f"shot {shot.name}", (shot, members[shot.name], settings, folder), shot.length) for shot in shots]
    run_jobs(segment_and_keep, jobs, task="motion segments", on_error=config.data.on_error)


def segment_and_keep(
    shot: Shot, members: Sequence[tuple[str, int]], settings: MotionSegmentation, folder: Path
) -> None:
    """
    Segment a shot and write the masks of its samples, last of all the record that says it is done.

    :param members: key and number in the shot of each sample.
    """
    masks = motion_masks(shot, settings)
    shares = masks.mean((1, 2))
    kept = reliable_frames(shares, settings)
    for key, frame in members:
        if frame in kept:
            _write(folder, key, np.where(masks[frame], FOREGROUND, BACKGROUND).astype(np.uint8))
    found = SegmentedShot(tuple(np.round(shares, 4).tolist()), kept.start, kept.stop)
    record = _record(folder, shot.name)
    record.parent.mkdir(parents=True, exist_ok=True)
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps(found.__dict__) + "\n", encoding="utf-8")
    os.replace(partial, record)


def motion_masks(shot: Shot, settings: MotionSegmentation) -> np.ndarray:
    """
    What moves by itself in a shot, at its full length.

    :return: (T, h, w) bool on a grid of ``settings.cell`` pixels.
    """
    flow = create_flow(settings.flow.settings(), settings.flow.device)
    pieces = np.array_split(np.arange(shot.length), -(-shot.length // _PIECE))
    found = []
    for piece in pieces:
        frames = shot.load(int(piece[0]), int(piece[-1]) + 1)
        if len(frames) < 2:
            size = [-(-side // settings.cell) for side in frames.shape[1:3]]
            found.append(np.zeros((len(frames), *size), bool))
            continue
        grays = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
        forward, backward = flow.batch(grays[:-1], grays[1:]), flow.batch(grays[1:], grays[:-1])
        found.append(segment_shot(frames, forward, backward, settings).masks)
    return np.concatenate(found)


def _report(folder: Path, names: Sequence[str]) -> None:
    records = [json.loads(_record(folder, name).read_text()) for name in names if _record(folder, name).is_file()]
    kept = sum(record["stop"] > record["first"] for record in records)
    _LOG.info("motion segments: %d of %d shots are learnt from", kept, len(names))
    if not kept:
        raise WsvsError(
            f"motion: in none of {len(names)} shots does a part of the frame move by itself, as `motion.segmentation` "
            "asks for by least, most and frames; take drives in which the camera stands or turns while objects pass, "
            "or another cue"
        )


def _write(folder: Path, key: str, mask: np.ndarray) -> None:
    path = folder / f"{key}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, mask)
    os.replace(partial, path)


def _record(folder: Path, shot: str) -> Path:
    return folder / "shots" / f"{shot}.json"
