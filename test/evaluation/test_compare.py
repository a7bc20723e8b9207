"""Two runs side by side: the interval says what it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folders import make_run

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation import measures
from wsvs_ros.evaluation.compare import Comparison, bootstrap, read_pairs
from wsvs_ros.evaluation.frames import Run
from wsvs_ros.perception.labels import LabelSet

CAMVID = LabelSet.load("camvid11")


def counts(frames: int, share: float, seed: int) -> np.ndarray:
    """Confusion counts of two classes, with about a share of the pixels right."""
    random = np.random.default_rng(seed)
    found = np.zeros((frames, 2, 3), np.int64)
    for k in range(frames):
        right = random.binomial(100, np.clip(share + random.normal(0, 0.05), 0, 1), 2)
        found[k] = [[right[0], 100 - right[0], 0], [100 - right[1], right[1], 0]]
    return found


def test_equal_to_drawing_the_blocks_one_by_one() -> None:
    first, second = counts(23, 0.6, 0), counts(23, 0.7, 1)
    found = bootstrap(first, second, block=5, resamples=50, seed=3)
    random = np.random.default_rng(3)
    gains = []
    for _ in range(50):
        starts = random.integers(0, 19, 5)
        drawn = np.concatenate([np.arange(start, start + 5) for start in starts])
        gains.append(measures.mean_iou(second[drawn].sum(0)) - measures.mean_iou(first[drawn].sum(0)))
    assert (found.low, found.high) == pytest.approx(np.percentile(gains, (2.5, 97.5)))
    exact = measures.mean_iou(second.sum(0)) - measures.mean_iou(first.sum(0))
    assert found.difference == pytest.approx(float(exact))


def test_the_interval_holds_the_truth_and_knows_a_tie() -> None:
    first, better, equal = counts(200, 0.6, 0), counts(200, 0.7, 1), counts(200, 0.6, 2)
    gain = bootstrap(first, better, block=10)
    assert gain.low < gain.difference < gain.high
    assert gain.low > 0
    assert bootstrap(better, first, block=10).high < 0
    tie = bootstrap(first, equal, block=10)
    assert tie.low < 0 < tie.high
    same = bootstrap(first, first, block=10)
    assert (same.low, same.difference, same.high) == (0, 0, 0)


def test_runs_of_a_drive(tmp_path: Path) -> None:
    first = Run(make_run(tmp_path / "a", wrong=0.3), tmp_path / "truth")
    second = Run(make_run(tmp_path / "b", wrong=0.0), tmp_path / "truth")
    comparison = Comparison(CAMVID)
    for pair in read_pairs(first, second):
        comparison.update(*pair)
    result = comparison.to_dict()
    assert result["second"]["miou"] == 1.0
    assert result["difference"]["miou"] == pytest.approx(1 - result["first"]["miou"])
    assert result["per_class_difference"]["sky"] == pytest.approx(1 - result["first"]["per_class"]["sky"])
    gains = [abs(gain or 0) for gain in comparison.gains()]
    assert comparison.most_different(1) == [int(np.argmax(gains))]
    assert result["miou_interval"]["low"] > 0


def test_runs_of_different_drives_are_refused(tmp_path: Path) -> None:
    make_run(tmp_path / "a", frames=4)
    make_run(tmp_path / "b", frames=4)
    (tmp_path / "b" / "labels" / "000003.png").unlink()
    for first, second, says in [("a", "b", "ends before frame 000003"), ("b", "a", "has fewer frames than")]:
        with pytest.raises(WsvsError, match=says):
            list(read_pairs(Run(tmp_path / first), Run(tmp_path / second)))
