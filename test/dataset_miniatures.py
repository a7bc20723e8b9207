"""Public datasets in small, in the formats that their archives have on disk, shown by a rendered street."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from wsvs_ros.drives.synthetic import SyntheticDrive, SyntheticFrame
from wsvs_ros.perception.labels import LabelSet

SIZE = (96, 72)
FRAMES = 14
# what the street's camvid11 ids are in Cityscapes' label ids (cityscapesscripts/helpers/labels.py)
LABEL_IDS = {0: 23, 1: 11, 2: 17, 3: 7, 4: 8, 5: 21, 6: 20, 7: 13, 8: 26, 9: 24, 10: 25}
# and what a colour of CamVid's 32 classes is for each
COLOURS = {
    0: (128, 128, 128),
    1: (192, 0, 128),  # archway
    2: (192, 192, 128),
    3: (128, 0, 192),  # lane marking
    4: (0, 0, 192),
    5: (192, 192, 0),  # vegetation
    6: (0, 64, 64),  # traffic light
    7: (64, 64, 128),
    8: (64, 128, 192),  # pickup
    9: (192, 128, 64),  # child
    10: (192, 0, 192),  # motorcycle
}


@cache
def street() -> list[SyntheticFrame]:
    """The frames that all miniatures show."""
    return list(SyntheticDrive(SIZE, frames=FRAMES, seed=5, fps=10).truth())


def image(path: Path, picture: np.ndarray) -> Path:
    """Write an image and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def sequence(folder: Path, pattern: str, first: int) -> None:
    """The whole street as a video's frames."""
    for index, item in enumerate(street()):
        image(folder / pattern.format(first + index), item.frame.image)


def camvid_segnet(root: Path, stills: tuple[int, ...] = (5, 9)) -> Path:
    """The stills of `0016E5` and their label ids, 11 in a corner that nobody labelled."""
    for split in ("train", "val"):
        for still in stills:
            labels = street()[still].labels.copy()
            labels[:4, :4] = 11
            image(root / split / f"0016E5_{7950 + still:05d}.png", street()[still].frame.image)
            image(root / f"{split}annot" / f"0016E5_{7950 + still:05d}.png", labels)
    return root


def camvid_original(root: Path) -> Path:
    """Two stills with labels by colour, black (Void) in a corner, in SegNet's list."""
    for still in (5, 9):
        name = f"0006R0_f{930 + still:05d}"
        colours = np.zeros((*street()[still].labels.shape, 3), np.uint8)
        for label, colour in COLOURS.items():
            colours[street()[still].labels == label] = colour[::-1]
        colours[:4, :4] = 0
        image(root / "701_StillsRaw_full" / f"{name}.png", street()[still].frame.image)
        image(root / "LabeledApproved_full" / f"{name}_L.png", colours)
    lines = [
        f"/SegNet/CamVid/train/0006R0_f{n:05d}.png /SegNet/CamVid/trainannot/0006R0_f{n:05d}.png" for n in (935, 939)
    ]
    (root / "train.txt").write_text("\n".join(lines) + "\n")
    return root


def cityscapes(root: Path, splits: tuple[str, ...] = ("train", "val"), *, labels: bool = True) -> Path:
    """One annotated frame a city; the snippet around it is shorter than the real one, its numbers are true."""
    table = np.zeros(256, np.uint8)
    table[list(LABEL_IDS)] = list(LABEL_IDS.values())
    for split in splits:
        for city, number in (("aachen", 19), ("bad-honnef", 294)):
            name = f"{city}_000001_{number:06d}"
            pattern = f"{city}_000001_{{:06d}}_leftImg8bit.png"
            sequence(root / "leftImg8bit_sequence" / split / city, pattern, number - 8)
            image(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", street()[8].frame.image)
            if labels:
                truth = table[street()[8].labels]
                truth[:4, :4] = 1  # ego vehicle
                image(root / "gtFine" / split / city / f"{name}_gtFine_labelIds.png", truth)
    return root


def voc(root: Path) -> Path:
    """Two images of `train`, and one more of `trainaug`, in DeepLab's list, whose mask is SBD's."""
    from scipy.io import savemat

    palette = LabelSet.load("voc21").colors
    masks = {name: np.zeros((72, 96), np.uint8) for name in ("2007_000032", "2007_000039", "2008_000002")}
    for mask in masks.values():
        mask[20:50, 20:60] = 1  # aeroplane
    masks["2007_000039"][20:50, 20:60] = 20  # tvmonitor
    for number, (name, mask) in enumerate(masks.items()):
        image(root / "JPEGImages" / f"{name}.jpg", street()[number].frame.image)
        if name == "2008_000002":
            (root / "sbd" / "cls").mkdir(parents=True)
            cell = np.zeros((1, 1), [("Segmentation", object)])
            cell[0, 0]["Segmentation"] = mask
            savemat(root / "sbd" / "cls" / f"{name}.mat", {"GTcls": cell})
            continue
        mask[19, 20:60] = 255  # the border
        picture = Image.fromarray(mask, mode="P")
        picture.putpalette(palette.tobytes())
        (root / "SegmentationClass").mkdir(parents=True, exist_ok=True)
        picture.save(root / "SegmentationClass" / f"{name}.png")
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_000032\n2007_000039\n")
    pairs = [f"/JPEGImages/{name}.jpg /SegmentationClassAug/{name}.png" for name in masks]
    (lists / "trainaug.txt").write_text("\n".join(pairs) + "\n")
    return root


def coco(root: Path) -> Path:
    """A fork on a dining table, the fork as a polygon, the table as run lengths of a crowd; and an empty image."""
    from pycocotools import mask as rle

    table = np.zeros((72, 96), np.uint8, order="F")
    table[10:60, 10:80] = 1
    counts = rle.encode(table)["counts"].decode()
    fork = [30, 20, 40, 20, 40, 50, 30, 50]
    images = [{"id": 9, "file_name": "COCO_val2014_000000000009.jpg", "width": 96, "height": 72}]
    images.append({"id": 25, "file_name": "COCO_val2014_000000000025.jpg", "width": 96, "height": 72})
    annotations = [
        {"id": 1, "image_id": 9, "category_id": 48, "segmentation": [fork], "area": 300.0, "iscrowd": 0},
        {
            "id": 2,
            "image_id": 9,
            "category_id": 67,
            "segmentation": {"size": [72, 96], "counts": counts},
            "area": 3500.0,
        },
    ]
    categories = [{"id": 48, "name": "fork"}, {"id": 67, "name": "dining table"}]
    for number, each in enumerate(images):
        image(root / "val2014" / str(each["file_name"]), street()[number].frame.image)
    (root / "annotations").mkdir()
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations" / "instances_val2014.json").write_text(json.dumps(content))
    return root


def youtube_objects(root: Path) -> Path:
    """Each class has two shots of seven frames from one video; of `car` the first shot's third frame has pixels."""
    from scipy.io import savemat

    from training.datasets.youtube_objects import CLASSES

    for name in CLASSES:
        sequence(root / name, "{:08d}.jpg", 1)
        (root / "Ranges").mkdir(exist_ok=True)
        savemat(root / "Ranges" / f"ranges_{name}.mat", {"ranges": np.array([[1, 8], [7, 14], [3, 3]])})
    boxes = np.zeros((1, 1), [("im", object), ("boxes", object)])
    boxes[0, 0] = ("car00000004", np.array([[10.0, 12.0, 40.0, 50.0]]))
    (root / "GroundTruth" / "car").mkdir(parents=True)
    savemat(root / "GroundTruth" / "car" / "bb_gtTest_car.mat", {"bb_gtTest": boxes})
    shot = Path("car") / "data" / "0002" / "shots" / "011"
    sequence(root / "v1" / shot, "frame{:04d}.jpg", 1)
    mask = np.zeros((72, 96), np.uint8)
    mask[20:50, 20:60] = 255
    image(root / "youtube_masks" / shot / "labels" / "00003.jpg", mask)
    return root


def imagenet_vid(root: Path) -> Path:
    """A snippet with a car and a dog, and one with neither of the ten classes."""
    first, second = (f"ILSVRC2015_VID_train_0000/ILSVRC2015_train_{number:08d}" for number in (0, 1000))
    for unit in (first, second):
        sequence(root / "Data" / "VID" / "train" / unit, "{:06d}.JPEG", 0)
    lists = root / "ImageSets" / "VID"
    lists.mkdir(parents=True)
    for number in range(1, 31):
        shown = first if number in (7, 9) else second if number == 30 else ""  # car, dog; zebra
        (lists / f"train_{number}.txt").write_text(f"{shown} 1\n" if shown else "")
    return root
