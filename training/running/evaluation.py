"""How good a network is, by the very segmenter that runs in the car. Pixel labels are read here only."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.config import load_config
from training.datasets.dataset import Dataset, Item, lookup
from training.datasets.errors import DatasetError
from training.networks.module import load_checkpoint
from training.running.bundle import export
from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception import Segmentation, VideoSegmenter
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.perception.labels import LabelSet

_ASPECT = 0.02  # masks that were made of a resized frame may be off by their rounding


def evaluate_drive(
    bundle: ModelBundle,
    drive: Path,
    labels: Path,
    *,
    fps: float | None = None,
    crf: CrfSettings | None = None,
    motion: bool = True,
    lookahead: int | None = None,
) -> ConfusionMatrix:
    """
    Segment a drive and count its labelled frames.

    :param drive: video, bag or folder of images.
    :param labels: label PNGs, named as the drive names its frames.
    :param fps: frame rate of a folder of images.
    :param crf: refine the scores by this CRF.
    :param motion: False leaves the flow at zero.
    :param lookahead: frames of future; None for what the bundle says.
    :raises WsvsError: if drive or labels cannot be read, or no frame has a label.
    """
    matrix = ConfusionMatrix(bundle.labels)
    counted = 0

    def count(found: Segmentation) -> int:
        truth = labels / f"{found.frame.name}.png"
        if not truth.is_file():
            return 0
        matrix.update(found.labels, read_label_map(truth))
        return 1

    with (
        open_drive(drive, fps=fps) as frames,
        VideoSegmenter(bundle, crf=crf, motion=motion, lookahead=lookahead) as segmenter,
    ):
        for frame in tqdm(frames, total=frames.frame_count, desc=f"evaluating on {drive.name}", unit="frame"):
            counted += sum(map(count, segmenter.push(frame)))
        counted += sum(map(count, segmenter.flush()))
    if not counted:
        raise WsvsError(f"{labels}: no label PNG is named as a frame of {drive}, such as {frame.name}.png")
    return matrix


def evaluate_dataset(
    bundle: ModelBundle,
    dataset: Dataset,
    *,
    crf: CrfSettings | None = None,
    motion: bool = True,
    lookahead: int | None = None,
) -> ConfusionMatrix:
    """
    Segment a dataset's labelled frames, each in the video around it, and count them.

    Classes are matched by name. Where the model knows a part of the dataset's classes besides the background, the
    others count as background, and images that show nothing else are left out (MC 4.1).

    :param crf: refine the scores by this CRF.
    :param motion: False leaves the flow at zero.
    :param lookahead: frames of future; None for what the bundle says.
    :raises WsvsError: if the dataset has no labels or a file cannot be read.
    """
    source, matrix = LabelSet.load(dataset.labels), ConfusionMatrix(bundle.labels)
    table = lookup(source, bundle.labels)
    known = [index for index, name in enumerate(source.names) if name != "background" and name in bundle.labels.names]
    partly = len(known) < len(set(source.names) - {"background"})
    counted = 0
    with VideoSegmenter(bundle, crf=crf, motion=motion, lookahead=lookahead) as segmenter:
        future = bundle.lookahead if lookahead is None else lookahead
        for item, load in tqdm(dataset.truths(), desc=f"evaluating on {dataset.name} {dataset.split}", unit="frame"):
            truth = load()
            if partly and not any((truth == index).any() for index in known):
                continue
            found = segment_item(segmenter, item, lookahead=future if motion else 0).labels
            matrix.update(_at_size_of(truth, found, item), table[truth])
            counted += 1
    if not counted:
        raise DatasetError(f"{dataset.name} {dataset.split}: no frame has labels of {', '.join(bundle.labels.names)}")
    return matrix


def segment_item(segmenter: VideoSegmenter, item: Item, *, lookahead: int) -> Segmentation:
    """
    Segment one frame in the video around it; only its own inference is run.

    :param lookahead: the segmenter's.
    :raises DatasetError: if an image cannot be read.
    """
    files = [item.image]
    if item.video is not None:
        files = item.video.around(item.number, length=segmenter.bundle.window_length, lookahead=lookahead)
    itself = item.image if item.video is None else item.video.path(item.number)
    for index, file in enumerate(files):
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetError(f"{file}: {'not a readable image' if file.exists() else 'missing'}")
        segmenter.observe(Frame(image, index * 1_000_000, frame_id=item.key, name=file.stem, source=file == itself))
    whole = len(files) - 1 - files.index(itself) == lookahead
    found = [segmenter.segment()] if whole else segmenter.flush()
    return next(each for each in found if each is not None and each.frame.source)


def _at_size_of(truth: np.ndarray, labels: np.ndarray, item: Item) -> np.ndarray:
    if labels.shape == truth.shape:
        return labels
    (height, width), (true_height, true_width) = labels.shape, truth.shape
    if abs(width * true_height / (height * true_width) - 1) > _ASPECT:
        raise DatasetError(
            f"{item.image}: {width}x{height} pixels, but its labels are {true_width}x{true_height}; "
            "they belong to another frame"
        )
    return cv2.resize(labels, (true_width, true_height), interpolation=cv2.INTER_NEAREST)


@contextmanager
def bundle_of(work: Path, checkpoint: Path | None = None) -> Iterator[ModelBundle]:
    """
    A bundle of a work directory's network, thrown away afterwards.

    :param checkpoint: another one than the work directory's last.
    """
    module = load_checkpoint(load_config(work / "config.yaml"), checkpoint or work / "checkpoints" / "last.ckpt")
    with tempfile.TemporaryDirectory() as folder:
        yield export(module, Path(folder) / "bundle", trained_on=())
