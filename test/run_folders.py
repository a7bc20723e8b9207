"""Runs for tests: predictions, truth and camera images of a rendered drive, as `wsvs segment` leaves them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.drives.frame_log import FrameLog, FrameRecord
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception.labels import LabelSet


def make_run(folder: Path, *, frames: int = 12, wrong: float = 0.2, seed: int = 0, confidence: bool = True) -> Path:
    """
    A run whose labels are the truth, but for blocks of a share `wrong` of each frame, which are road.

    `folder` is the run, beside it lie `truth/` and `images/`, which are the same for every run.
    """
    random = np.random.default_rng(seed)
    out, truth, images = folder, folder.parent / "truth", folder.parent / "images"
    for path in (out / "labels", out / "confidence", truth, images):
        path.mkdir(parents=True, exist_ok=True)
    log = FrameLog(out)
    for frame in SyntheticDrive((160, 120), frames=frames).truth():
        name, labels = frame.frame.name, frame.labels
        mistaken = np.kron(random.random((12, 16)) < wrong, np.ones((10, 10), bool))
        pred = np.where(mistaken, np.uint8(3), labels)
        sure = np.where(mistaken, 120, 240).astype(np.uint8)
        cv2.imwrite(str(out / "labels" / f"{name}.png"), pred)
        if confidence:
            cv2.imwrite(str(out / "confidence" / f"{name}.png"), sure)
        unlabelled = labels.copy()
        unlabelled[:3] = 11
        cv2.imwrite(str(truth / f"{name}.png"), unlabelled)
        cv2.imwrite(str(images / f"{name}.png"), frame.frame.image)
        log.write(FrameRecord(name, frame.frame.stamp_ns, "camera", float(random.uniform(20, 40))))
    log.close()
    summary = {
        "input": str(images),
        "complete": True,
        "frames": frames,
        "model": {"name": "none </script><script>alert(1)</script>", "sha256": ""},
        "classes": LabelSet.load("camvid11").to_dict(),
        "label_set": "camvid11",
        "settings": {"topic": None, "fps": 15.0},
    }
    (out / "summary.json").write_text(json.dumps(summary))
    return out
