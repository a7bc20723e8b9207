from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsvs_ros.perception.flow import FlowError
from wsvs_ros.perception.window import FlowWindow

SIZE = (4, 3)


def field(value: float) -> np.ndarray:
    """A field whose u is `value` and v is `-value` everywhere."""
    return np.stack([np.full(SIZE[::-1], value, np.float32), np.full(SIZE[::-1], -value, np.float32)])


def expected(values: list[float], length: int) -> np.ndarray:
    kept = ([0.0] * length + values)[-length:]
    return np.concatenate([field(value) for value in kept])


def test_missing_fields_are_zero_and_the_newest_is_last() -> None:
    window = FlowWindow(3, SIZE)
    assert window.filled == 0
    assert not window.stack().any()
    window.push(field(1))
    window.push(field(2))
    assert window.filled == 2
    np.testing.assert_array_equal(window.stack(), expected([1, 2], 3))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.lists(st.sampled_from(["push", "slot", "pad", "reset", "peek"]), max_size=60))
def test_every_view_shows_its_own_moment_for_ever(length: int, actions: list[str]) -> None:
    window = FlowWindow(length, SIZE)
    values: list[float] = []
    real: list[bool] = []
    views = [(window.stack(), expected(values, length))]
    for number, action in enumerate(actions, start=1):
        if action == "push":
            window.push(field(number))
        elif action == "slot":
            slot = window.slot()
            slot[...] = field(number)
            window.push(slot)
        elif action == "pad":
            window.slot()[...] = 99  # as a flow that failed half-way leaves it
            window.pad()
        elif action == "reset":
            window.reset()
            values, real = [], []
        else:
            window.slot()
        if action in ("push", "slot", "pad"):
            values.append(0 if action == "pad" else number)
            real.append(action != "pad")
        assert window.filled == sum(real[-length:])
        views.append((window.stack(), expected(values, length)))
    for view, truth in views:
        np.testing.assert_array_equal(view, truth)


def test_the_stack_is_a_contiguous_view_that_nobody_can_write_to() -> None:
    window = FlowWindow(3, SIZE)
    for value in range(20):
        window.push(field(value))
        view = window.stack()
        assert view.shape == (6, 3, 4)
        assert view.flags.c_contiguous
        assert not view.flags.owndata
        assert not view.flags.writeable


def test_a_field_computed_into_the_slot_is_not_copied() -> None:
    window = FlowWindow(3, SIZE)
    slot = window.slot()
    slot[...] = 7
    window.push(slot)
    assert np.shares_memory(window.stack(), slot)
    assert (window.stack()[4:] == 7).all()


def test_a_field_of_another_size_is_refused() -> None:
    with pytest.raises(FlowError, match=r"got a field of shape \(2, 4, 3\), expected \(2, 3, 4\)"):
        FlowWindow(3, SIZE).push(np.zeros((2, 4, 3), np.float32))


def test_a_window_has_at_least_one_field() -> None:
    with pytest.raises(ValueError, match="length 0"):
        FlowWindow(0, SIZE)
