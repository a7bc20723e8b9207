"""Find objects by boxes in frames known to show them, and count how many are found (CorLoc, MC 4.5):

    python -m training.colocalise WORK YOUTUBE_OBJECTS
    python -m training.colocalise --drive DRIVE --masks DIR --class car

WORK is a work directory of training.fit or a model bundle; without it, the model that comes with the package is asked.
Boxes and masks are read here only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.cues.motion.colocalisation import locate_object, object_probability
from training.datasets.dataset import Item
from training.datasets.errors import DatasetError
from training.datasets.youtube_objects import CLASSES, YouTubeObjects
from training.running.command_line import run_command
from training.running.evaluation import bundle_of, segment_item
from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.vehicles import Box, is_located, region_boxes
from wsvs_ros.perception import Segmentation, VideoSegmenter
from wsvs_ros.perception.bundle import ModelBundle, default_bundle_path
from wsvs_ros.perception.label_maps import read_label_map

PUBLISHED = dict(zip(CLASSES, (76.1, 57.7, 77.7, 68.8, 71.6, 75.6, 87.9, 71.9, 80.0, 52.6), strict=True))
"""MC table 4, M-CNN, percent; 72.0 on average."""


class CorLoc:
    """
    Share of frames whose object is found: by the graph cut, and by the largest region of the network's own labels.

    :param name: the class of the object.
    """

    def __init__(self, name: str) -> None:
        self.name, self.frames, self._cut, self._network = name, 0, 0, 0

    def update(self, found: Segmentation, truth: list[Box]) -> None:
        """Count a frame with its true boxes, of which one has to be found."""
        box = locate_object(found.frame.image, object_probability(found.scores, found.label_set, self.name))
        own = region_boxes(found.labels == found.label_set.id_of(self.name))
        self.frames += 1
        self._cut += is_located([] if box is None else [box], truth)
        self._network += is_located(own[:1], truth)

    def to_dict(self) -> dict[str, float]:
        """`corloc` and `network`, in [0, 1], of `frames`."""
        return {"corloc": self._cut / self.frames, "network": self._network / self.frames, "frames": self.frames}


def colocalise_dataset(
    bundle: ModelBundle, dataset: YouTubeObjects, names: tuple[str, ...], part: str
) -> dict[str, dict[str, float]]:
    """
    Find the objects of YouTube-Objects in each frame with a box.

    :param names: the classes to look for.
    :param part: `Training` or `Test`, of the boxes.
    :return: figures by class, as :meth:`CorLoc.to_dict` has them.
    :raises WsvsError: if boxes are missing, or the model does not know a class.
    """
    figures = {}
    with VideoSegmenter(bundle) as segmenter:
        for name in names:
            bundle.labels.id_of(name)
            measure = CorLoc(name)
            for item, boxes in tqdm(list(_annotated(dataset, name, part)), desc=name, unit="frame"):
                found = segment_item(segmenter, item, lookahead=bundle.lookahead)
                measure.update(found, [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes.tolist()])
            if measure.frames:
                figures[name] = measure.to_dict()
    if not figures:
        raise DatasetError(f"{dataset.root}: no frame of {', '.join(names)} has a box")
    return figures


def _annotated(dataset: YouTubeObjects, name: str, part: str) -> Iterator[tuple[Item, np.ndarray]]:
    """The frames with boxes, each in the shot around it."""
    shots = dataset.shots(name)
    for number, boxes in dataset.boxes(name, "Test" if part == "Test" else "Training").items():
        around = next((each for each in shots if each[1].first <= number <= each[1].last), None)
        path = dataset.root / name / f"{number:08d}.jpg"
        if len(boxes):
            unit, video = around or (name, None)
            yield Item(f"{unit}/{number:08d}", unit, path, video, number), boxes


def colocalise_drive(bundle: ModelBundle, drive: Path, masks: Path, name: str) -> dict[str, float]:
    """
    Find the object of a drive in each frame whose mask shows it.

    :param drive: video, bag or folder of images.
    :param masks: PNGs, named as the frames; the object is what is not 0.
    :param name: its class.
    :return: figures, as :meth:`CorLoc.to_dict` has them.
    :raises WsvsError: if drive or masks cannot be read, or the model does not know the class.
    """
    bundle.labels.id_of(name)
    measure = CorLoc(name)

    def count(found: Segmentation) -> None:
        path = masks / f"{found.frame.name}.png"
        truth = region_boxes(read_label_map(path) > 0) if path.is_file() else []
        if truth:
            measure.update(found, truth)

    with open_drive(drive) as frames, VideoSegmenter(bundle) as segmenter:
        for frame in tqdm(frames, total=frames.frame_count, desc=f"co-localising in {drive.name}", unit="frame"):
            for found in segmenter.push(frame):
                count(found)
        for found in segmenter.flush():
            count(found)
    if not measure.frames:
        raise WsvsError(f"{masks}: no mask with an object is named as a frame of {drive}, such as {frame.name}.png")
    return measure.to_dict()


def table(figures: Mapping[str, Mapping[str, float]], published: Mapping[str, float] | None = None) -> str:
    """The figures as Markdown, percent, with the mean over classes, beside the published ones."""
    names = list(figures)
    rows = {
        "graph cut": [100 * figures[name]["corloc"] for name in names],
        "network's labels": [100 * figures[name]["network"] for name in names],
    }
    if published:
        rows["M-CNN (MC table 4)"] = [published[name] for name in names]
    lines = [f"| CorLoc, % | {' | '.join(names)} | mean |", f"| --- |{' --- |' * (len(names) + 1)}"]
    for title, values in rows.items():
        lines.append(f"| {title} | {' | '.join(f'{value:.1f}' for value in [*values, np.mean(values)])} |")
    counts = [str(figures[name]["frames"]) for name in names]
    return "\n".join([*lines, f"| frames | {' | '.join(counts)} | |"])


def _model(work: Path | None) -> AbstractContextManager[ModelBundle]:
    if work is not None and (work / "config.yaml").is_file():
        return bundle_of(work)
    return nullcontext(ModelBundle.load(work or default_bundle_path()))


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.colocalise", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path, nargs="?", help="work directory of training.fit, or a model bundle")
    parser.add_argument("root", type=Path, nargs="?", help="YouTube-Objects' folder")
    parser.add_argument("--part", choices=["Training", "Test"], default="Training", help="whose boxes (%(default)s)")
    parser.add_argument("--drive", type=Path, help="video, bag or folder of images instead")
    parser.add_argument("--masks", type=Path, help="the drive's mask PNGs, named as its frames")
    parser.add_argument("--class", dest="name", help="what the drive shows; of a dataset, one class of it")
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args(argv)
    if args.drive is not None and (args.masks is None or args.name is None or args.root is not None):
        parser.error("--drive needs --masks and --class, and no dataset")
    if args.drive is None and args.root is None:
        parser.error("give WORK and YouTube-Objects' folder, or --drive")

    def job() -> str:
        with _model(args.work) as bundle:
            if args.drive is not None:
                figures = {args.name: colocalise_drive(bundle, args.drive, args.masks, args.name)}
                text = table(figures)
            else:
                names = CLASSES if args.name is None else (args.name,)
                figures = colocalise_dataset(bundle, YouTubeObjects(args.root, "train"), names, args.part)
                text = table(figures, PUBLISHED)
        if args.json:
            args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        return text

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
