"""
What a cue says of the frames, as pictures: ``python -m training.look CONFIG --work DIR``.

It is cached in the work directory under names that tell its settings, so that a training takes it; an interrupted run
goes on. Of the heatmap cue, the heatmaps are drawn beside their masks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.config import load_config
from training.cues.registry import cue_of
from training.running.command_line import command_parser, run_command, work_folder
from training.running.pictures import write_picture
from training.running.stages import load_samples
from training.running.work_directory import locked
from wsvs_ros.errors import WsvsError


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command_parser("look", __doc__)
    parser.add_argument("-o", "--output", type=Path, help="folder for the pictures (default: WORK/look)")
    parser.add_argument("--frames", type=int, default=20, help="how many are drawn, evenly spread (default: 20)")
    args = parser.parse_intermixed_args(argv)  # overrides may stand after options

    def job() -> str:
        config = load_config(args.config, args.overrides)
        work = work_folder(args, config)
        cue, pictures = cue_of(config), args.output or work / "look"
        with locked(work):
            samples = load_samples(config, work)
            masks = cue.make_masks(config, samples, work)
            if masks is None:
                raise WsvsError(f"cue {config.cue}: has no masks to show; it lives on the network's own answer")
            known = [sample for sample in samples if (masks / f"{sample.key}.npy").is_file()]
            spread = np.linspace(0, len(known) - 1, min(max(args.frames, 0), len(known)))
            chosen = [known[index] for index in np.unique(spread.round().astype(int))]
            for sample, picture in zip(chosen, cue.sheets(config, samples, chosen, masks, work), strict=True):
                write_picture(pictures / f"{sample.key}.png", picture)
        return f"masks: {masks}\n{len(chosen)} pictures: {pictures}"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
