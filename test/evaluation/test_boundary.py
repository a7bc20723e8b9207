"""Boundary F1 by cases whose answer is known, and precision and F1 by their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsvs_ros.evaluation import measures
from wsvs_ros.evaluation.boundary import BoundaryF1
from wsvs_ros.perception.labels import LabelClass, LabelSet

TWO = LabelSet("two", (LabelClass("a", (1, 2, 3)), LabelClass("b", (4, 5, 6))))


def square(at: int) -> np.ndarray:
    labels = np.zeros((200, 200), np.uint8)
    labels[50:150, at : at + 100] = 1
    return labels


def score(pred: np.ndarray, truth: np.ndarray) -> float | None:
    measure = BoundaryF1(TWO)
    measure.update(pred, truth)
    mean = measure.to_dict()["mean"]
    return None if mean is None else float(mean)


def test_outlines_within_the_tolerance_count() -> None:
    assert score(square(50), square(50)) == 1.0
    assert score(square(52), square(50)) == 1.0  # 0.75 % of the diagonal of 283 pixels are two
    shifted = score(square(60), square(50))
    assert shifted is not None
    assert 0.3 < shifted < 0.6  # top and bottom still lie on each other


def test_a_class_that_only_one_side_has_counts_as_none() -> None:
    measure = BoundaryF1(TWO)
    measure.update(np.zeros((200, 200), np.uint8), square(50))
    assert measure.to_dict()["per_class"] == {"a": 0.0, "b": 0.0}


def test_where_the_truth_has_no_class_nothing_is_measured() -> None:
    truth = square(50)
    truth[:, :120] = 255
    found = square(50)
    found[:, :110] = 1
    assert score(found, truth) == 1.0
    assert BoundaryF1(TWO).to_dict()["mean"] is None


@given(st.lists(st.integers(0, 50), min_size=6, max_size=6))
def test_f1_is_the_harmonic_mean(flat: list[int]) -> None:
    counts = np.array(flat).reshape(2, 3)
    precision, recall = measures.precisions(counts), measures.class_accuracies(counts)
    for k, value in enumerate(measures.f1_scores(counts)):
        if not np.isnan(precision[k]) and not np.isnan(recall[k]) and precision[k] + recall[k]:
            assert value == pytest.approx(2 * precision[k] * recall[k] / (precision[k] + recall[k]))
