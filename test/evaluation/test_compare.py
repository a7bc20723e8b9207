"""Two runs side by side: the interval says what it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folders import make_run

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.compare import Comparison, read_pairs
from wsvs_ros.evaluation.frames import Run
from wsvs_ros.perception.labels import LabelSet

CAMVID = LabelSet.load("camvid11")


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
