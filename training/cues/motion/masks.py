"""Motion segments of all shots (MC 3.2, 4.2): what the motion cue learns from.

Each shot is segmented once, in as many processes as there are cores, and kept in the work directory: a run that was
interrupted goes on with the next shot.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from training.caches import Cache, Ingredients, digest, save_array, written_aside
from training.config import Config
from training.config.cues import MotionSegmentation
from training.cues.motion.segmentation import segment_shot
from training.cues.motion.shots import reliable_frames
from training.datasets import Sample
from training.datasets.sample import Shot
from training.networks.marks import BACKGROUND, FOREGROUND, NONE
from training.running.processes import Job, run_jobs
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.flow import create_flow

_PIECE = 60  # frames segmented at once, to bound the memory
_LOG = logging.getLogger(__name__)


def make_motion_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path:
    """
    Segment the shots of all samples, or take what earlier runs have segmented.

    :return: the folder; one ``<key>.npy`` a sample whose shot and frame are reliable, (h, w) uint8 marks of
        :mod:`training.networks.marks`. A lone image has no motion: its file holds one cell of no class.
    :raises WsvsError: if frames cannot be read, unless ``data.on_error`` is skip, or no shot is left.
    """
    settings = config.motion.segmentation
    shots = {sample.shot.name: sample.shot for sample in samples if sample.shot is not None}
    if not shots:
        raise WsvsError(f"{config.name}: cue motion: the data is single images; give drives, or datasets with video")
    # which frames can be relied on is asked of the segments later
    chosen = digest(settings.model_dump_json(exclude={"least", "most", "frames"}))
    wanted = {name: {"frames": shot.content, "settings": chosen} for name, shot in shots.items()}
    cache = Cache(work / "motion" / "shots", "motion segments of shots", ".npz")
    jobs = [
        Job(f"shot {name}", (cache.path(name, wanted[name]), shots[name], settings), shots[name].length)
        for name in cache.lacking(wanted)
    ]
    run_jobs(segment_and_keep, jobs, task="motion segments", on_error=config.data.on_error)
    return _gather(config, samples, {name: cache.path(name, made_of) for name, made_of in wanted.items()}, work)


def segment_and_keep(path: Path, shot: Shot, settings: MotionSegmentation) -> None:
    """
    Segment a shot and keep it.

    :param path: ``.npz`` for `moves`, (T, ceil(h * w / 8)) uint8, bits of what moves by itself in each frame, and
        `size` (2,), their h and w.
    """
    masks = motion_masks(shot, settings)
    with written_aside(path) as aside:
        np.savez_compressed(aside, moves=np.packbits(masks.reshape(len(masks), -1), axis=1), size=masks.shape[1:])


def segmented(path: Path) -> np.ndarray:
    """(T, h, w) bool, what :func:`segment_and_keep` has kept."""
    with np.load(path) as arrays:
        height, width = (int(side) for side in arrays["size"])
        flat = np.unpackbits(arrays["moves"], axis=1, count=height * width)
    return flat.reshape(-1, height, width).astype(bool)


def _gather(config: Config, samples: Sequence[Sample], shots: Mapping[str, Path], work: Path) -> Path:
    """The masks of the frames in which motion can be relied on."""
    settings, kept_shots = config.motion.segmentation, 0
    chosen = digest(settings.least, settings.most, settings.frames)
    cache = Cache(work / "motion" / "masks", "motion masks")
    wanted: dict[str, Ingredients] = {}
    left_out: dict[str, str] = {}
    members: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.shot is not None:
            members[sample.shot.name].append(sample)
            continue
        wanted[sample.key] = {"image": sample.content}
        save_array(cache.path(sample.key, wanted[sample.key]), np.full((1, 1), NONE, np.uint8))
    for name, path in shots.items():
        moves = segmented(path) if path.is_file() else None
        kept = range(0) if moves is None else reliable_frames(moves.mean((1, 2)), settings)
        kept_shots += len(kept) > 0
        for sample in members[name]:
            wanted[sample.key] = {"motion": path.stem, "frame": str(sample.frame), "settings": chosen}
            mask = cache.path(sample.key, wanted[sample.key])
            if moves is None:
                left_out[sample.key] = "its shot cannot be read"
            elif sample.frame not in kept:
                left_out[sample.key] = "motion is not reliable there, by motion.segmentation's least, most and frames"
            elif not mask.is_file():
                save_array(mask, np.where(moves[sample.frame], FOREGROUND, BACKGROUND).astype(np.uint8))
    _LOG.info("motion segments: %d of %d shots are learnt from", kept_shots, len(shots))
    if not kept_shots:
        raise WsvsError(
            f"motion: in none of {len(shots)} shots does a part of the frame move by itself, as `motion.segmentation` "
            "asks for by least, most and frames; take drives in which the camera stands or turns while objects pass, "
            "or another cue"
        )
    return cache.gather(wanted, work / "masks", left_out)


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
