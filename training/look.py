"""What a cue says of all samples: ``python -m training.look CONFIG --work DIR --show PICTURES``.

It is cached in the work directory under names that tell its settings, so that a training takes it; an interrupted run
goes on. Of the heatmap cue, ``python -m training.cues.heatmap.masks`` draws the heatmaps as well.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.config import Config, load_config
from training.cues.builtin.masks import make_builtin_masks
from training.cues.heatmap.masks import make_masks
from training.cues.motion.masks import make_motion_masks
from training.datasets import Sample
from training.running.command_line import command_parser, run_command, work_folder
from training.running.pictures import labels_picture, sheet, write_picture
from training.running.stages import load_samples
from training.running.work_directory import locked
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


def make_cue_masks(config: Config, samples: Sequence[Sample], work: Path) -> Path | None:
    """
    Make what the cue says of all samples, or take it from an earlier run.

    :param work: holds the caches.
    :return: the folder; one ``<key>.npy`` a sample, (h, w) uint8 on any grid: class ids and the marks of
        :mod:`training.networks.marks`. A sample without a file is left out of training. None for a cue without masks.
    """
    if config.cue == "em_adapt":
        return None  # it lives on the network's own answer
    if config.cue == "motion":
        return make_motion_masks(config, samples, work)
    if config.cue in ("builtin", "cam", "multi_class"):
        return make_builtin_masks(config, samples, work)
    return make_masks(config, samples, work)


def show(samples: Sequence[Sample], masks: Path, label_set: LabelSet, pictures: Path, *, frames: int) -> int:
    """
    Draw evenly spread samples with their masks.

    :param pictures: folder for a PNG a sample.
    :return: how many were drawn.
    """
    known = [sample for sample in samples if (masks / f"{sample.key}.npy").is_file()]
    chosen = np.unique(np.linspace(0, len(known) - 1, min(frames, len(known))).round().astype(int))
    for sample in (known[index] for index in chosen):
        image, labels = sample.load_image(), np.load(masks / f"{sample.key}.npy")
        tags = ", ".join(name for name, present in zip(label_set.names, sample.tags, strict=True) if present)
        tiles = [(tags, image), ("masks", labels_picture(image, labels, label_set))]
        write_picture(pictures / f"{sample.key}.png", sheet(tiles, columns=2))
    return len(chosen)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command_parser("look", __doc__)
    parser.add_argument("--show", type=Path, metavar="DIR", help="draw some frames with their masks into DIR")
    parser.add_argument("--frames", type=int, default=20, help="how many frames --show draws (default: 20)")
    args = parser.parse_intermixed_args(argv)  # overrides may stand after options

    def job() -> str:
        config = load_config(args.config, args.overrides)
        work = work_folder(args, config)
        with locked(work):
            samples = load_samples(config, work)
            masks = make_cue_masks(config, samples, work)
        if masks is None:
            raise WsvsError(f"cue {config.cue}: has no masks to make or to show; it lives on the network's own answer")
        label_set = LabelSet.load(config.labels)
        drawn = show(samples, masks, label_set, args.show, frames=args.frames) if args.show else 0
        return f"masks: {masks}" + (f"\n{drawn} pictures: {args.show}" if drawn else "")

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
