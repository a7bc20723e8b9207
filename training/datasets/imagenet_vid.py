"""
ImageNet-VID (ILSVRC 2015), as its archive unpacks::

    ROOT/Data/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000/000000.JPEG ...
    ROOT/ImageSets/VID/train_1.txt ... train_30.txt     for training.tags: a line `SNIPPET 1` for each that shows it

The snippets of `train` are shots, known in tag files by batch and name, e.g.
``ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000``. Of the 30 classes, those ten that YouTube-Objects has are
used, under its names (MC 4.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from training.datasets.dataset import Dataset, Item
from training.datasets.numbered_frames import evenly, numbered

# number of the synset in ILSVRC2015_VID_ID -> its name in YouTube-Objects
_SYNSETS = {
    1: "aeroplane",  # airplane
    5: "bird",
    28: "boat",  # watercraft
    7: "car",
    10: "cat",  # domestic cat
    8: "cow",  # cattle
    9: "dog",
    15: "horse",
    19: "motorbike",  # motorcycle
    26: "train",
}


class ImageNetVid(Dataset):
    """ImageNet-VID's training snippets."""

    name, labels = "imagenet_vid", "youtube_objects10"
    splits = ("train",)
    source = "https://image-net.org/challenges/LSVRC/2015 (ILSVRC2015_VID)"
    tags_from = "the lists of the snippets that show each synset; `background` is added"

    def check(self) -> None:
        self.known_split()
        folder = self.need("Data", "VID", self.split)
        if not any(folder.glob("*/*/")):
            raise self.missing(folder / "ILSVRC2015_VID_train_0000" / "ILSVRC2015_train_00000000")

    def items(self) -> list[Item]:
        found = []
        top = self.root / "Data" / "VID" / self.split
        for folder in sorted(path for path in top.glob("*/*") if path.is_dir()):
            video = numbered(folder, "{:06d}.JPEG")
            if video is None:
                raise self.missing(folder / "000000.JPEG")
            unit = f"{folder.parent.name}/{folder.name}"
            for number in evenly(video.first, video.last, self.per_shot):
                found.append(Item(f"{unit}/{number:06d}", unit, video.path(number), video, number))
        return found

    def annotated_classes(self) -> Iterator[tuple[str, list[str]]]:
        shown: dict[str, set[str]] = defaultdict(set)
        for number, name in _SYNSETS.items():
            path = self.need("ImageSets", "VID", f"{self.split}_{number}.txt")
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.strip():
                    shown[line.split()[0]].add(name)
        for unit in sorted(shown):
            yield unit, ["background", *sorted(shown[unit])]
