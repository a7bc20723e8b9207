"""
What the cues' masks are worth and what they cost.

    python -m benchmarks.cues DATA [--parts motion foreground cost]

DATA holds labelled_video/davis_*/{images,masks} and weights/. ``motion``: the motion segments of each clip against its
true masks, unsupervised, after each part of the method. ``foreground``: the same of what the classifier fires at,
without a CRF, with one, and with its regions. ``cost``: time a frame of making each cue's masks with all cores, as a
ratio to one core, and of a second run that finds them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from training.config import Config
from training.config.cues import MotionSegmentation
from training.cues.builtin.masks import build_builtin_masks, make_builtin_masks
from training.cues.builtin.priors import foreground_labels, foreground_probability
from training.cues.motion.location import object_location
from training.cues.motion.masks import make_motion_masks, motion_masks
from training.cues.motion.segmentation import segment_shot
from training.datasets.sample import Sample, Shot
from training.networks.backbones import MobileNetV2
from training.networks.grids import lay_over
from training.networks.marks import FOREGROUND
from training.networks.two_stream import STRIDE
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import create_flow

_SIZE = (480, 270)
_CAR = 8  # of camvid11
_COPIES = 3  # of each clip, by which starting the processes counts as little as in a real run


def _clips(data: Path) -> list[Path]:
    return sorted((data / "labelled_video").glob("davis_*"))


def _frames(clip: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    paths = sorted((clip / "images").glob("*.jpg"))[start:stop]
    return np.stack(
        [cv2.resize(cv2.imread(str(path))[..., ::-1], _SIZE, interpolation=cv2.INTER_AREA) for path in paths]
    )


def _truth(clip: Path) -> np.ndarray:
    paths = sorted((clip / "masks").glob("*.png"))
    return np.stack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0 for path in paths])


def _iou(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the frames, in percent, at the truth's resolution."""
    ious = []
    for mask, true in zip(found, truth, strict=True):
        full = cv2.resize(mask.astype(np.uint8), true.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        ious.append((full & true).sum() / max((full | true).sum(), 1))
    return 100 * float(np.mean(ious))


def motion(data: Path) -> None:
    """The IoU of motion segments, and the energies of the cuts."""
    print("| clip | flow | location alone | one cut | two cuts | five cuts | energies |")
    print("|---|---|---:|---:|---:|---:|---|")
    for clip in _clips(data):
        frames, truth = _frames(clip), _truth(clip)
        grays = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
        for preset in ("fast", "balanced", "fine"):
            flow = create_flow(FlowSettings("dis", preset), "cpu")
            fields = flow.batch(grays[:-1], grays[1:]), flow.batch(grays[1:], grays[:-1])
            rows = [_iou(object_location(*fields, memory=MotionSegmentation().memory) > 0.5, truth)]
            for rounds in (1, 2, 5):
                found = segment_shot(frames, *fields, MotionSegmentation(rounds=rounds))
                rows.append(_iou(found.masks, truth))
            energies = " ".join(f"{energy / 1e6:.4f}" for energy in found.energies)
            print(
                f"| {clip.name} | dis {preset} | {' | '.join(f'{row:.1f}' for row in rows)} | {energies} |", flush=True
            )


def foreground(data: Path) -> None:
    """The IoU of what the classifier fires at."""
    backbone = MobileNetV2(blocks=18, centred=16).eval()
    backbone.load_imagenet(data / "weights" / "mobilenet_v2_imagenet1k.safetensors")
    settings = _config(data, "builtin").builtin
    crf = settings.crf.settings()
    print("| clip | P_f above a half | CRF | CRF with regions |\n|---|---:|---:|---:|")
    for clip in _clips(data):
        found: list[list[np.ndarray]] = [[], [], []]
        for frame in _frames(clip):
            fires = foreground_probability(backbone, frame)
            full = lay_over(fires, stride=STRIDE, size=frame.shape[:2])
            found[0].append((full > 0.5).numpy())
            for place, regions in ((1, False), (2, True)):
                found[place].append(foreground_labels(fires, frame, crf, regions=regions) == FOREGROUND)
        print(f"| {clip.name} | {' | '.join(f'{_iou(np.stack(masks), _truth(clip)):.1f}' for masks in found)} |")


def cost(data: Path) -> None:
    """Time a frame of the masks' stages."""
    samples = []
    for copy in range(_COPIES):
        for clip in _clips(data):
            count, name = len(list((clip / "images").glob("*.jpg"))), f"{clip.name}-{copy}"
            shot = Shot(name, name, count, partial(_frames, clip))
            tags = np.arange(11) == _CAR
            samples += [
                Sample(f"{name}/{number:05d}", tags, partial(_frame, clip, number), None, shot, number)
                for number in range(count)
            ]
    cores = len(os.sched_getaffinity(0))
    print(f"| cue | one core, ms a frame | {cores} cores | ratio | found again |\n|---|---:|---:|---:|---:|")
    for cue in ("builtin", "motion"):
        config = _config(data, cue)
        alone = _on_one_core(partial(_alone, config, samples))
        with tempfile.TemporaryDirectory() as work:
            make = make_builtin_masks if cue == "builtin" else make_motion_masks
            together, again = (_time(partial(make, config, samples, Path(work))) for _ in range(2))
        each = [1000 * seconds / len(samples) for seconds in (alone, together, again)]
        ratio = f"{alone / together:.2f}x"
        print(f"| {cue} | {each[0]:.0f} | {each[1]:.0f} | {ratio} | {each[2]:.1f} |", flush=True)


def _on_one_core(job: Callable[[], float]) -> float:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # also for threads that libraries start by themselves
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return job()
    finally:
        torch.set_num_threads(threads)
        os.sched_setaffinity(0, cores)


def _alone(config: Config, samples: Sequence[Sample]) -> float:
    """Seconds for the masks themselves, without starting processes and loading weights."""
    if config.cue == "motion":
        shots = {sample.shot.name: sample.shot for sample in samples if sample.shot}
        return sum(_time(partial(motion_masks, shot, MotionSegmentation())) for shot in shots.values())
    masks = build_builtin_masks(config, None)
    masks(samples[0].load_image(), samples[0].tags)
    return _time(lambda: [masks(sample.load_image(), sample.tags) for sample in samples])


def _frame(clip: Path, number: int) -> np.ndarray:
    frame: np.ndarray = _frames(clip, number, number + 1)[0]
    return frame


def _time(job: Callable[[], object]) -> float:
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def _config(data: Path, cue: str) -> Config:
    return Config.model_validate(
        {
            "name": "cues",
            "cue": cue,
            "foreground": ["car"],
            "working_size": _SIZE,
            "data": {"root": data, "weights": "weights/mobilenet_v2_imagenet1k.safetensors"},
        }
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parts = {"motion": motion, "foreground": foreground, "cost": cost}
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    args = parser.parse_args()
    for name in args.parts:
        print(f"\n{name}")
        parts[name](args.data)


if __name__ == "__main__":
    main()
