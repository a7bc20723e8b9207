"""Which frames of a shot have a motion segmentation worth learning from (MC 4.2)."""

from __future__ import annotations

import numpy as np

from training.config.cues import MotionSegmentation


def reliable_frames(shares: np.ndarray, settings: MotionSegmentation) -> range:
    """
    The longest run of frames in which something moves, but not nearly everything.

    :param shares: (T,) the share of each frame that moves by itself, 0 to 1.
    :param settings: `least` and `most` of a share, both inclusive, and the fewest `frames` of a run.
    :return: numbers of the frames, the first of equal runs; empty where none is long enough.
    """
    fits = np.concatenate([[False], (shares >= settings.least) & (shares <= settings.most), [False]]).astype(int)
    edges = np.diff(fits)
    runs = [
        range(first, stop) for first, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]
    longest = max(runs, key=len, default=range(0))
    return longest if len(longest) >= settings.frames else range(0)
