"""Frames of a clock that stands still, and pixels without a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from drive_files import make_bag

from wsvs_ros.drives import open_drive
from wsvs_ros.drives.frame_log import FrameLog, FrameRecord
from wsvs_ros.drives.label_bag_writer import LabelBagWriter
from wsvs_ros.drives.writers import LabelWriter
from wsvs_ros.evaluation.frames import Run
from wsvs_ros.evaluation.temporal import TemporalConsistency
from wsvs_ros.perception.labels import LabelSet

CAMVID = LabelSet.load("camvid11")


def test_frames_of_one_stamp_meet_their_own_labels(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", 6, header_fps=1e12)  # all stamps are 100 s
    labels, log = LabelWriter(tmp_path / "run" / "labels"), FrameLog(tmp_path / "run")
    with open_drive(bag) as drive:
        writer = LabelBagWriter(tmp_path / "labelled", drive, CAMVID)  # type: ignore[arg-type]
        for index, frame in enumerate(drive):
            ids = np.full((72, 96), index, np.uint8)
            writer.write(frame.source, ids)
            labels.write(frame.name, ids)
            log.write(FrameRecord(frame.name, frame.stamp_ns))
        writer.close()
    log.close()
    for pred, truth in [("labelled", "run"), ("labelled", "labelled"), ("run", "labelled")]:
        images = str(bag) if pred == "labelled" else None
        found = list(Run(tmp_path / pred, tmp_path / truth, images=images).read())
        assert [int(frame.pred[0, 0]) for frame in found] == list(range(6))
        assert [int(frame.truth[0, 0]) for frame in found if frame.truth is not None] == list(range(6))


def test_pixels_without_a_class_are_no_misses_of_steadiness() -> None:
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    labels = np.full((96, 128), 3, np.uint8)
    unsure = labels.copy()
    unsure[:48] = 255
    measure = TemporalConsistency(CAMVID)
    measure.update(image, labels)
    assert measure.update(image, unsure) == 1.0
