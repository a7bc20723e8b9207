"""Train variants of one configuration and compare them: ``python -m training.ablate CONFIG``.

Each variant is trained once for each seed and measured with and without the CRF. What is done is skipped, so an
interrupted ablation goes on. The table stands in ``WORK/table.md``, the figures in ``WORK/figures.json``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.config import Config, load_config
from training.config.ablation import Ablation, Variant, VehicleClip, load_ablation
from training.datasets import open_dataset
from training.fit import fit
from training.networks.module import load_checkpoint
from training.running.bundle import export
from training.running.command_line import run_command
from training.running.evaluation import evaluate_dataset, evaluate_drive
from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.vehicles import VehicleMeasure
from wsvs_ros.perception import VideoSegmenter
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.crf import VIDEO_CRF, CrfSettings
from wsvs_ros.perception.labels import LabelSet

_MEANS = {"miou": "mIoU", "class_accuracy": "class acc.", "global_accuracy": "global acc."}
Figures = dict[str, Any]


def ablate(ablation: Ablation, base: Path, work: Path, overrides: Sequence[str] = ()) -> str:
    """
    Train and measure all variants.

    :param base: the base configuration's file.
    :param work: one folder a variant and seed, and the caches that they share.
    :param overrides: of all variants, after the ablation's own.
    :return: the table, as Markdown.
    :raises WsvsError: as :func:`training.fit.fit` and :func:`training.running.evaluation.evaluate_drive` do.
    """
    figures: dict[str, list[Figures]] = {}
    label_set = LabelSet.load(load_config(base, [*ablation.overrides, *overrides]).labels)
    for variant in ablation.variants:
        for seed in ablation.seeds:
            folder = work / _slug(variant.name) / f"seed-{seed}"
            settings = [*ablation.overrides, *variant.overrides, *overrides, f"seed={seed}"]
            figures.setdefault(variant.name, []).append(
                _run(ablation, variant, base, folder, work / "caches", settings)
            )
    text = table(ablation, figures, label_set.names)
    (work / "table.md").write_text(text, encoding="utf-8")
    (work / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return text


def _run(
    ablation: Ablation, variant: Variant, base: Path, folder: Path, caches: Path, settings: Sequence[str]
) -> Figures:
    config = load_config(base, settings)
    checkpoint = fit(config, folder, caches=caches)
    measured = folder / "figures.json"
    if measured.is_file() and measured.stat().st_mtime > checkpoint.stat().st_mtime:
        found: Figures = json.loads(measured.read_text(encoding="utf-8"))
        return found
    bundle = ModelBundle.load(folder / "bundle") if (folder / "bundle").is_dir() else None
    if bundle is None or bundle.model_path.stat().st_mtime < checkpoint.stat().st_mtime:
        bundle = export(load_checkpoint(config, checkpoint), folder / "bundle", trained_on=config.data.sources)
    crfs = {"plain": None, "crf": VIDEO_CRF}
    found = {name: _measure(ablation, config, bundle, crf, variant.motion) for name, crf in crfs.items()}
    for name, crf in crfs.items():
        found[name]["vehicles"] = {
            clip.name: _measure_vehicles(clip, config, bundle, crf, variant.motion) for clip in ablation.vehicles
        }
    measured.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return found


def _measure(ablation: Ablation, config: Config, bundle: ModelBundle, crf: CrfSettings | None, motion: bool) -> Figures:
    if ablation.dataset is not None:
        part = ablation.dataset
        dataset = open_dataset(part.name, config.path(part.root), part.split)
        return evaluate_dataset(bundle, dataset, crf=crf, motion=motion).to_dict()
    assert ablation.drive is not None
    assert ablation.labels is not None
    drive, labels = config.path(ablation.drive), config.path(ablation.labels)
    return evaluate_drive(bundle, drive, labels, fps=ablation.fps, crf=crf, motion=motion).to_dict()


def _measure_vehicles(
    clip: VehicleClip, config: Config, bundle: ModelBundle, crf: CrfSettings | None, motion: bool
) -> float | None:
    """The mean IoU of a clip's frames, as DAVIS counts."""
    measure, masks = VehicleMeasure(), config.path(clip.masks)
    is_vehicle = np.isin(np.arange(256), bundle.labels.vehicle_ids)
    with (
        open_drive(config.path(clip.images), fps=clip.fps) as frames,
        VideoSegmenter(bundle, crf=crf, motion=motion) as segmenter,
    ):
        results = itertools.chain(itertools.chain.from_iterable(map(segmenter.push, frames)), segmenter.flush())
        for found in results:
            path = masks / f"{found.frame.name}.png"
            truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if truth is None:
                raise WsvsError(f"{path}: {'not a readable mask' if path.exists() else 'missing'}")
            measure.update(is_vehicle[found.labels], truth > 0)
    iou: float | None = measure.to_dict()["frame_iou"]
    return iou


def table(ablation: Ablation, figures: Mapping[str, Sequence[Figures]], classes: Sequence[str]) -> str:
    """
    The Markdown table: a row a variant without and with CRF, and the paper's row below.

    :param figures: for each variant, for each seed: ``plain`` and ``crf`` figures, shares of 1.
    :param classes: names of the classes.
    """
    clips = [clip.name for clip in ablation.vehicles]
    head = [ablation.title, *_MEANS.values(), *classes, *(f"vehicles, {name}" for name in clips)]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for variant in ablation.variants:
        for key, suffix in (("plain", ""), ("crf", ", with CRF")):
            runs = [run[key] for run in figures[variant.name]]
            means = [_spread([run[name] for run in runs]) for name in _MEANS]
            each = [_spread([run["per_class"][name] for run in runs]) for name in classes]
            vehicles = [_spread([run["vehicles"][name] for run in runs]) for name in clips]
            rows.append([variant.name + suffix, *means, *each, *vehicles])
        if variant.paper:
            paper = variant.paper
            published = (paper.miou, paper.class_accuracy, paper.global_accuracy)
            means = ["-" if value is None else f"{value:.1f}" for value in published]
            each = [f"{paper.per_class[name]:.1f}" if name in paper.per_class else "-" for name in classes]
            rows.append([f"*{variant.name}, the paper*", *means, *each, *("-" for _ in clips)])
    seeds = f"\nMean of {len(ablation.seeds)} seeds, ± their standard deviation.\n" if len(ablation.seeds) > 1 else ""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n" + seeds


def _spread(values: Sequence[float | None]) -> str:
    """Mean of shares, and their sample deviation, in percent."""
    known = [100 * value for value in values if value is not None]
    if not known:
        return "-"
    return f"{np.mean(known):.1f}" + (f" ±{np.std(known, ddof=1):.1f}" if len(known) > 1 else "")


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.ablate", description=__doc__)
    parser.add_argument("ablation", type=Path, help="YAML file of the ablation")
    parser.add_argument("overrides", nargs="*", help="section.key=value, for all variants")
    parser.add_argument("--work", type=Path, help="work directory (default: runs/<the file's name>)")
    args = parser.parse_intermixed_args(argv)  # overrides may stand after options

    def job() -> str:
        ablation = load_ablation(args.ablation)
        work = args.work or Path("runs") / args.ablation.stem
        work.mkdir(parents=True, exist_ok=True)
        return ablate(ablation, args.ablation.parent / ablation.base, work, args.overrides)

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
