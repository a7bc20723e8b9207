"""Single images with image-level tags, such as CamVid's training frames at 1 Hz."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from training.caches import Contents, digest
from training.datasets.names import Names
from training.datasets.sample import Sample
from wsvs_ros.drives.tags import load_image_tags
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet

_LOG = logging.getLogger(__name__)


def read_image(path: Path, size: tuple[int, int]) -> np.ndarray:
    """
    Read an image at a size.

    :param size: width, height.
    :return: (H, W, 3) uint8 RGB.
    :raises WsvsError: if the file is no readable image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise WsvsError(f"{path}: not a readable image; restore it or take it out of the tags")
    if (image.shape[1], image.shape[0]) != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def tagged_images(
    images: Path,
    tags: Path,
    label_set: LabelSet,
    size: tuple[int, int],
    *,
    contents: Contents,
    names: Names | None = None,
    on_error: str = "stop",
) -> list[Sample]:
    """
    The samples of a folder of images.

    :param images: the folder.
    :param tags: ``tags.json``: image name -> class names.
    :param size: working size: width, height.
    :param contents: tells whether an image is what it was.
    :param names: those that other folders have already.
    :param on_error: ``skip`` leaves missing images out with a warning.
    :raises WsvsError: if an image is missing; a TagError names bad tags.
    """
    samples = []
    folder, stems = (names or Names()).of(images.parent.name, images.name), Names()
    for name, classes in sorted(load_image_tags(tags, label_set).items()):
        path = images / name
        if not path.is_file():
            error = WsvsError(f"{tags}: {name}: no such image in {images}")
            if on_error == "stop":
                raise error
            _LOG.warning("left out: %s", error)
            continue
        present = np.isin(label_set.names, list(classes))
        key = f"{folder}/{stems.of(path.stem, path.suffix[1:])}"
        content = digest(contents.of(path), size)
        samples.append(Sample(key, present, partial(read_image, path, size), content=content))
    return samples
