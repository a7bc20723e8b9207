from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsvs_ros.evaluation.metrics import ConfusionMatrix, MetricsError
from wsvs_ros.perception.labels import LabelClass, LabelSet

THREE = LabelSet("three", tuple(LabelClass(name, (0, 0, 0)) for name in ("a", "b", "c")))
# ids that occur in files: the classes, one without a class, 255
IDS = (0, 1, 2, 3, 255)


def brute_force(
    pred: np.ndarray, truth: np.ndarray, classes: int
) -> tuple[list[float | None], list[float], float | None]:
    """IoU by class, accuracy by class of the truth, global accuracy: pixel by pixel, by the definitions."""
    pixels = [(int(p), int(t)) for p, t in zip(pred.ravel(), truth.ravel(), strict=True) if t < classes]
    ious: list[float | None] = []
    accuracies = []
    for c in range(classes):
        both = sum(p == c and t == c for p, t in pixels)
        either = sum(p == c or t == c for p, t in pixels)
        true = sum(t == c for _, t in pixels)
        ious.append(both / either if either else None)
        if true:
            accuracies.append(both / true)
    right = sum(p == t for p, t in pixels)
    return ious, accuracies, right / len(pixels) if pixels else None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), min_size=1, max_size=40),
    st.integers(1, 4),
)
def test_equal_to_the_definitions_pixel_by_pixel(pixels: list[tuple[int, int]], parts: int) -> None:
    pred, truth = (np.array(ids, np.uint8)[None] for ids in zip(*pixels, strict=True))
    confusion = ConfusionMatrix(THREE)
    for p, t in zip(np.array_split(pred, parts, axis=1), np.array_split(truth, parts, axis=1), strict=True):
        confusion.update(p, t)
    ious, accuracies, right = brute_force(pred, truth, 3)
    known = [iou for iou in ious if iou is not None]
    assert list(confusion.per_class.values()) == pytest.approx(ious)
    assert confusion.miou == (pytest.approx(np.mean(known)) if known else None)
    assert confusion.class_accuracy == (pytest.approx(np.mean(accuracies)) if accuracies else None)
    assert confusion.global_accuracy == (pytest.approx(right) if right is not None else None)


def test_a_prediction_without_a_class_is_wrong_and_truth_without_one_is_ignored() -> None:
    confusion = ConfusionMatrix(THREE)
    confusion.update(np.array([[0, 255, 1, 7]], np.uint8), np.array([[0, 0, 255, 0]], np.uint8))
    assert confusion.per_class == {"a": pytest.approx(1 / 3), "b": None, "c": None}
    assert confusion.global_accuracy == pytest.approx(1 / 3)
    assert confusion.counts.tolist() == [[1, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_the_dictionary_is_plain_json() -> None:
    confusion = ConfusionMatrix(THREE)
    empty = {"miou": None, "class_accuracy": None, "global_accuracy": None}
    assert json.loads(json.dumps(confusion.to_dict())) == {**empty, "per_class": dict.fromkeys("abc")}
    confusion.update(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    assert json.loads(json.dumps(confusion.to_dict()))["miou"] == 1.0


def test_maps_that_do_not_fit_are_refused_with_both_shapes() -> None:
    confusion = ConfusionMatrix(THREE)
    with pytest.raises(MetricsError, match=r"prediction is \(2, 3\) uint8 and truth \(3, 2\) uint8"):
        confusion.update(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))
    with pytest.raises(MetricsError, match="int64"):
        confusion.update(np.zeros((2, 3), np.int64), np.zeros((2, 3), np.uint8))


def test_the_truth_agrees_with_itself_on_real_labels(shared_data: Path) -> None:
    labels = LabelSet.load("camvid11")
    paths = sorted((shared_data / "camvid" / "val").rglob("*.png"))[:5]
    assert paths
    confusion = ConfusionMatrix(labels)
    for path in paths:
        truth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        confusion.update(truth, truth)
    assert confusion.miou == 1.0
