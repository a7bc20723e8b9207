"""Which frames validation holds back."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from training.datasets import Sample
from training.datasets.held_out import hold_out
from wsvs_ros.errors import WsvsError


def recording(name: str, count: int) -> list[Sample]:
    return [Sample(f"{name}/{number:06d}", np.ones(11, bool), lambda: np.empty(0)) for number in range(count)]


def test_no_frame_of_validation_is_learnt_from() -> None:
    samples = recording("monday", 30)
    learnt, held = hold_out(samples, 0.1, 3)
    assert (len(learnt), len(held)) == (27, 3)
    assert [*learnt, *held] != samples
    assert {s.key for s in learnt} | {s.key for s in held} == {s.key for s in samples}
    assert hold_out(samples, 0.1, 3) == (learnt, held)
    assert hold_out(samples, 0.0, 3) == (samples, [])
    with pytest.raises(WsvsError, match=r"validation\.share 0\.99 of 30 samples"):
        hold_out(samples, 0.99, 3)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_held_out_is_one_stretch_of_each_recording(seed: int) -> None:
    """Of neighbours, which are all but the same, only those at its two ends are learnt from."""
    samples = recording("monday", 40) + recording("tuesday", 60)
    _, held = hold_out(samples, 0.2, seed)
    for name, count in (("monday", 8), ("tuesday", 12)):
        numbers = [int(sample.key[-6:]) for sample in held if sample.key.startswith(name)]
        assert numbers == list(range(numbers[0], numbers[0] + count))


def test_many_short_recordings_are_held_out_whole() -> None:
    samples = [sample for number in range(50) for sample in recording(f"shot-{number}", 3)]
    learnt, held = hold_out(samples, 0.1, 1)
    assert len(held) == 15
    assert not {s.key.split("/")[0] for s in held} & {s.key.split("/")[0] for s in learnt}


def test_a_few_short_recordings_still_give_something() -> None:
    _, held = hold_out(recording("monday", 4), 0.1, 0)
    assert len(held) == 1
