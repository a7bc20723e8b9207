from __future__ import annotations

import numpy as np
import pytest
from flow_scenes import texture

from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.evaluation.flow_consistency import consistent, flow_with_mask
from wsvs_ros.perception.flow import FlowError, OpenCvDis


def test_fields_that_cancel_out_are_consistent_but_where_they_leave_the_image() -> None:
    forward = np.zeros((2, 20, 30), np.float32)
    forward[0] = 4
    mask = consistent(forward, -forward)
    assert mask[:, :26].all()
    assert not mask[:, 26:].any()
    assert not consistent(forward, forward).any()


def test_small_errors_are_forgiven_in_proportion_to_the_motion() -> None:
    forward, backward = np.zeros((2, 2, 9, 200), np.float32)
    forward[0], backward[0] = 20, -21
    assert consistent(forward, backward)[:, :180].all()
    forward[0], backward[0] = 2, -3
    assert not consistent(forward, backward).any()
    assert consistent(forward, backward, absolute=1.0)[:, :198].all()


def test_what_a_moving_thing_hides_is_not_consistent() -> None:
    background, thing = texture(160, 120, 1), texture(40, 40, 2)
    previous, current = background.copy(), background.copy()
    previous[40:80, 40:80] = thing
    current[40:80, 52:92] = thing
    _, mask = flow_with_mask(OpenCvDis("fine"), previous, current)
    hidden = mask[46:74, 81:91]
    assert hidden.mean() < 0.3
    assert mask[46:74, 46:74].mean() > 0.9
    assert mask[:30].mean() > 0.95


def test_flow_is_better_where_it_is_consistent() -> None:
    before, now = list(SyntheticDrive((320, 240), frames=2, fps=10).truth())
    grays = [frame.frame.image.mean(2).astype(np.uint8) for frame in (before, now)]
    field, mask = flow_with_mask(OpenCvDis("balanced"), *grays)
    error = np.hypot(*(field - now.flow))
    assert 0.5 < mask.mean() < 0.98
    assert error[mask].mean() < 0.3 * error[~mask].mean()


def test_fields_that_do_not_fit_are_refused() -> None:
    with pytest.raises(FlowError, match=r"forward is \(2, 4, 5\) and backward is \(2, 5, 4\)"):
        consistent(np.zeros((2, 4, 5), np.float32), np.zeros((2, 5, 4), np.float32))
    with pytest.raises(FlowError, match=r"\(3, 4, 5\)"):
        consistent(np.zeros((3, 4, 5), np.float32), np.zeros((3, 4, 5), np.float32))
