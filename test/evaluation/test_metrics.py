from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import sklearn.metrics
import torch
import torchmetrics
from hypothesis import given, settings
from hypothesis import strategies as st

from wsvs_ros.evaluation import measures
from wsvs_ros.evaluation.metrics import ConfusionMatrix, MetricsError
from wsvs_ros.perception.labels import LabelClass, LabelSet

CAMVID = LabelSet.load("camvid11")
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
    means = ("miou", "class_accuracy", "global_accuracy", "frequency_weighted_iou", "precision", "f1")
    empty = dict.fromkeys(means)
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


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_torchmetrics_and_scikit_learn(seed: int) -> None:
    """Random maps of several sizes, with unlabelled pixels and classes that one or both of the maps lack."""
    random = np.random.default_rng(seed)
    size = len(CAMVID)
    confusion = ConfusionMatrix(CAMVID)
    preds, truths = [], []
    for _ in range(3):
        shape = tuple(random.integers(20, 60, 2))
        truth = random.choice(np.array([0, 1, 2, 3, 5, 8, 11, 255], np.uint8), shape)
        pred = np.where(random.random(shape) < 0.6, truth, random.integers(0, size - 2, shape)).astype(np.uint8)
        pred[pred >= size] = 1
        confusion.update(pred, truth)
        preds.append(pred[truth < size])
        truths.append(truth[truth < size])
    pred, truth = np.concatenate(preds), np.concatenate(truths)
    known = np.unique(np.concatenate([pred, truth]))
    iou = sklearn.metrics.jaccard_score(truth, pred, labels=known, average=None)
    assert [confusion.per_class[CAMVID.names[k]] for k in known] == pytest.approx(iou, abs=1e-9)
    assert confusion.miou == pytest.approx(np.mean(iou), abs=1e-9)
    weighted = sklearn.metrics.jaccard_score(truth, pred, labels=known, average="weighted")
    assert confusion.frequency_weighted_iou == pytest.approx(weighted, abs=1e-9)
    assert confusion.class_accuracy == pytest.approx(
        sklearn.metrics.recall_score(truth, pred, labels=np.unique(truth), average="macro"), abs=1e-9
    )
    assert confusion.global_accuracy == pytest.approx(sklearn.metrics.accuracy_score(truth, pred), abs=1e-9)
    counted = torchmetrics.functional.confusion_matrix(
        torch.from_numpy(pred.astype(int)), torch.from_numpy(truth.astype(int)), "multiclass", num_classes=size
    )
    assert np.array_equal(confusion.counts[:, :-1], counted.numpy())
    assert confusion.counts.sum() == len(truth)


def test_unlabelled_pixels_are_counted() -> None:
    confusion = ConfusionMatrix(THREE)
    counts = confusion.update(np.zeros((2, 3), np.uint8), np.array([[0, 3, 255], [0, 0, 1]], np.uint8))
    assert confusion.unlabelled == 2
    assert counts.sum() == 4


def test_figures_of_a_stack_are_those_of_each_matrix() -> None:
    random = np.random.default_rng(0)
    stack = random.integers(0, 50, (5, 3, 4))
    stack[1] = 0
    stack[2, 0] = 0
    for figure in (measures.mean_iou, measures.class_accuracy, measures.global_accuracy):
        assert figure(stack) == pytest.approx([float(figure(one)) for one in stack], nan_ok=True)
    assert np.isnan(measures.frequency_weighted_iou(stack)[1])


def test_groups_of_classes_are_right_within_themselves() -> None:
    matrix = ConfusionMatrix(THREE)
    matrix.update(np.array([[0, 1, 2, 255, 1, 2]], np.uint8), np.array([[1, 1, 1, 0, 2, 255]], np.uint8))
    pair = matrix.grouped({"both": ("a", "b"), "last": ("c",)})
    assert pair.counts.tolist() == [[2, 1, 1], [1, 0, 0]]
    assert pair.unlabelled == 1
    assert pair.per_class == {"both": pytest.approx(2 / 5), "last": 0}
    alone = matrix.grouped({"both": ("a", "b")})  # what is c is left out, what is taken for c is wrong
    assert alone.counts.tolist() == [[2, 2]]
    assert alone.unlabelled == 2
