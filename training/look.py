"""
What a cue says of the frames, as pictures: ``python -m training.look CONFIG --work DIR``.

It is cached in the work directory under names that tell its settings, so that a training takes it; an interrupted run
goes on. Of the heatmap cue, the heatmaps are drawn beside their masks. With label maps of the frames, their only use in
this command, it also says how right the masks are (BP tables 4 and 5):

    python -m training.look CONFIG --labels DIR
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.config import Config, load_config
from training.cues.registry import cue_of
from training.datasets import Sample
from training.running.command_line import command_parser, run_command, work_folder
from training.running.learnt_from import with_masks
from training.running.mask_quality import labels_beside, measure_masks
from training.running.pictures import write_picture
from training.running.stages import load_samples
from training.running.work_directory import locked
from wsvs_ros.cli.evaluate import print_figures
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command_parser("look", __doc__)
    parser.add_argument("-o", "--output", type=Path, help="folder for the pictures (default: WORK/look)")
    parser.add_argument("--frames", type=int, default=20, help="how many are drawn, evenly spread (default: 20)")
    parser.add_argument("--labels", type=Path, help="label PNGs named as the frames, to measure the masks by")
    parser.add_argument("--json", type=Path, help="write the measure there")
    args = parser.parse_intermixed_args(argv)  # overrides may stand after options
    if args.json is not None and args.labels is None:
        parser.error("--json writes what --labels measures: give both")

    def job() -> str:
        config = load_config(args.config, args.overrides)
        work = work_folder(args, config)
        cue, pictures = cue_of(config), args.output or work / "look"
        with locked(work):
            samples = load_samples(config, work)
            masks = cue.make_masks(config, samples, work)
            if masks is None:
                raise WsvsError(f"cue {config.cue}: has no masks to show; it lives on the network's own answer")
            known = with_masks(samples, masks)
            spread = np.linspace(0, len(known) - 1, min(max(args.frames, 0), len(known)))
            chosen = [known[index] for index in np.unique(spread.round().astype(int))]
            for sample, picture in zip(chosen, cue.sheets(config, samples, chosen, masks, work), strict=True):
                write_picture(pictures / f"{sample.key}.png", picture)
            measured = _measure(config, masks, known, args.labels, args.json) if args.labels else ""
        return f"masks: {masks}\n{len(chosen)} pictures: {pictures}{measured}"

    return run_command(job)


def _measure(config: Config, masks: Path, samples: Sequence[Sample], labels: Path, output: Path | None) -> str:
    label_set = LabelSet.load(config.labels)
    sided = bool(config.foreground) or "background" in label_set.names
    objects = config.foreground_ids(label_set) if sided else ()
    figures = measure_masks(masks, samples, labels_beside(labels), label_set, objects).to_dict()
    if output is not None:
        output.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print_figures(figures)
    covered, right = (f"{100 * (figures[key] or 0):.1f} %" for key in ("covered", "right"))
    text = f"\n{figures['frames']} frames: masks cover {covered} of the labelled pixels, {right} of that right"
    if sided:
        text += f"; objects against background: mean IoU {100 * figures['foreground_background_miou']:.1f} %"
    return text


if __name__ == "__main__":
    sys.exit(main())
