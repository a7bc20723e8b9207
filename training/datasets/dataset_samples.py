"""Datasets as samples: tags from a file, flow from the video around each frame."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.caches import Cache, Contents, Ingredients, digest
from training.datasets.dataset import Dataset, Item
from training.datasets.errors import DatasetError
from training.datasets.sample import Sample, Shot
from training.datasets.tag_file import read_tags
from training.datasets.tagged_images import read_image
from training.datasets.video_window import SUFFIX, VideoWindow, shot_of
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import create_flow
from wsvs_ros.perception.labels import LabelSet

_LOG = logging.getLogger(__name__)


def dataset_samples(
    dataset: Dataset,
    tags: Path,
    label_set: LabelSet,
    *,
    cache: Path,
    contents: Contents,
    size: tuple[int, int],
    flow: FlowSettings,
    device: str = "cpu",
    window: tuple[int, int],
    motion: bool = True,
    shots: bool = False,
    ignore: tuple[str, ...] = (),
    on_error: str = "stop",
) -> list[Sample]:
    """
    The samples of a dataset: its frames that the tag file names. No annotation is read.

    :param tags: the tag file, see :func:`training.datasets.tag_file.read_tags`.
    :param cache: folder for the frames and flow around each sample, computed on first use.
    :param contents: tells whether a frame is what it was.
    :param size: working size: width, height.
    :param device: where the flow is computed: ``cpu`` or ``cuda``.
    :param window: L and lookahead.
    :param motion: False leaves flow out, also where the dataset has video.
    :param shots: all frames of the samples' shots are asked for, by :attr:`training.datasets.sample.Shot.load`.
    :param on_error: ``skip`` leaves unreadable frames out with a warning.
    :raises WsvsError: if a frame is missing or unreadable, or the tag file names something else.
    """
    known = read_tags(tags, label_set, ignore=ignore)
    items = dataset.items()
    strangers = set(known) - {item.unit for item in items}
    if strangers:
        raise DatasetError(
            f"{tags}: {min(strangers)}: {dataset.name} {dataset.split} has no such image or shot "
            f"({len(strangers)} of {len(known)} names); its names are like {items[0].unit}"
        )
    tagged = [item for item in items if item.unit in known]
    if len(tagged) < len(items):
        _LOG.warning("%s: %d of %d frames have no tags and are left out", tags, len(items) - len(tagged), len(items))
    algorithm = create_flow(flow, device)
    part, (length, lookahead) = f"{dataset.name}-{dataset.split}", window
    kept = Cache(cache / part, f"flow of {dataset.name} {dataset.split}", SUFFIX)
    moving: dict[str, VideoWindow] = {}
    wanted: dict[str, Ingredients] = {}
    left_out: set[str] = set()

    def skip(item: Item, error: WsvsError) -> None:
        if on_error == "stop":
            raise error
        _LOG.warning("left out: %s", error)
        left_out.add(item.key)

    for item in tagged:
        try:
            if not item.image.is_file():
                raise DatasetError(f"{item.image}: missing; restore it or take {item.unit} out of {tags}")
            if item.video is not None and motion:
                moving[item.key] = VideoWindow.of(item, size, length=length, lookahead=lookahead)
                wanted[item.key] = moving[item.key].made_of(contents, algorithm)
        except WsvsError as error:
            skip(item, error)
    for key in tqdm(kept.lacking(wanted), desc=f"{dataset.name} {dataset.split}", unit="frame"):
        try:
            moving[key].make(kept.path(key, wanted[key]), algorithm)
        except WsvsError as error:
            skip(moving[key].item, error)
    found_shots: dict[str, Shot] = {}
    samples = []
    for item in tagged:
        if item.key in left_out:
            continue
        present, key = np.isin(label_set.names, sorted(known[item.unit])), f"{part}/{item.key}"
        if item.key not in moving:
            content = digest(contents.of(item.image), size)
            samples.append(Sample(key, present, partial(read_image, item.image, size), content=content))
            continue
        shot = shot_of(item, part, size, None)
        if shots and shot.name not in found_shots:
            found_shots[shot.name] = shot_of(item, part, size, contents)
        made_of, shot = wanted[item.key], found_shots.get(shot.name, shot)
        path = kept.path(item.key, made_of)
        samples.append(moving[item.key].sample(key, present, path, made_of, shot, length=length, lookahead=lookahead))
    return samples
