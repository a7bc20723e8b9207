"""
How well vehicles are found in videos that are nothing like the training drives, with and without motion.

    python -m benchmarks.vehicles --data DATA/labelled_video [--bundle DIR] [--fps 24]

Each folder of DATA holds `images/` and binary `masks/` of one moving vehicle. IoU of the pixels whose label is a
vehicle class with the mask, per clip: the mean over its frames, as DAVIS counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception import VIDEO_CRF, ModelBundle, Segmentation, VideoSegmenter, default_bundle_path

_WAYS = {
    "appearance": {"motion": False},
    "with motion": {},
    "appearance, CRF": {"motion": False, "crf": VIDEO_CRF},
    "with motion, CRF": {"crf": VIDEO_CRF},
    "centred motion": {"lookahead": -1},
}


def clip_iou(bundle: ModelBundle, clip: Path, fps: float, **settings: object) -> float:
    """Mean IoU over the frames that have a mask."""
    if settings.get("lookahead") == -1:
        settings["lookahead"] = bundle.window_length // 2
    with open_drive(clip, fps=fps) as frames, VideoSegmenter(bundle, **settings) as segmenter:  # type: ignore[arg-type]
        found = [one for frame in frames for one in segmenter.push(frame)] + list(segmenter.flush())
    values = [_iou(one, clip / "masks" / f"{one.frame.name}.png") for one in found]
    known = [value for value in values if value is not None]
    if not known:
        raise WsvsError(f"{clip}: no mask is named as an image")
    return float(np.mean(known))


def _iou(found: Segmentation, path: Path) -> float | None:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        return None
    truth, seen = mask > 0, found.vehicles > 0
    union = (truth | seen).sum()
    return float((truth & seen).sum() / union) if union else None


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=default_bundle_path())
    parser.add_argument("--fps", type=float, default=24.0)
    args = parser.parse_args()
    bundle = ModelBundle.load(args.bundle)
    clips = sorted(path for path in args.data.iterdir() if (path / "masks").is_dir())
    if not clips:
        raise SystemExit(f"{args.data}: no folder with images and masks")
    print(
        f"| vehicles, IoU % | {' | '.join(clip.name for clip in clips)} | mean |\n| --- |{' ---: |' * (len(clips) + 1)}"
    )
    for name, settings in _WAYS.items():
        values = [100 * clip_iou(bundle, clip, args.fps, **settings) for clip in clips]
        print(f"| {name} | {' | '.join(f'{value:.1f}' for value in [*values, float(np.mean(values))])} |", flush=True)


if __name__ == "__main__":
    main()
