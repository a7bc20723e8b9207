"""Figures read from confusion counts, for one matrix or any stack of them."""

from __future__ import annotations

import warnings

import numpy as np


def iou(counts: np.ndarray) -> np.ndarray:
    """
    Intersection over union by class.

    :param counts: (..., N, N + 1) pixels: row the true id, column the predicted one, the last for none.
    :return: (..., N) float64; NaN for a class that neither truth nor prediction has.
    """
    right = _right(counts)
    return _ratio(right, counts.sum(-1) + counts[..., :-1].sum(-2) - right)


def mean_iou(counts: np.ndarray) -> np.ndarray:
    """
    Mean IoU over the classes that occur in truth or prediction.

    :param counts: (..., N, N + 1).
    :return: (...) float64; NaN without any class.
    """
    return _mean(iou(counts))


def class_accuracies(counts: np.ndarray) -> np.ndarray:
    """
    Share of right pixels by true class (recall).

    :param counts: (..., N, N + 1).
    :return: (..., N) float64; NaN for a class that the truth lacks.
    """
    return _ratio(_right(counts), counts.sum(-1))


def precisions(counts: np.ndarray) -> np.ndarray:
    """
    Share of right pixels by predicted class.

    :param counts: (..., N, N + 1).
    :return: (..., N) float64; NaN for a class that the prediction lacks.
    """
    return _ratio(_right(counts), counts[..., :-1].sum(-2))


def f1_scores(counts: np.ndarray) -> np.ndarray:
    """
    Harmonic mean of precision and recall by class (Dice).

    :param counts: (..., N, N + 1).
    :return: (..., N) float64; NaN for a class that neither truth nor prediction has.
    """
    return _ratio(2 * _right(counts), counts.sum(-1) + counts[..., :-1].sum(-2))


def mean_precision(counts: np.ndarray) -> np.ndarray:
    """Mean precision over the classes that occur in the prediction: (..., N, N + 1) -> (...)."""
    return _mean(precisions(counts))


def mean_f1(counts: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that occur in truth or prediction: (..., N, N + 1) -> (...)."""
    return _mean(f1_scores(counts))


def class_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean share of right pixels over the classes that occur in the truth: (..., N, N + 1) -> (...)."""
    return _mean(class_accuracies(counts))


def global_accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of right pixels: (..., N, N + 1) -> (...) float64, NaN without a pixel."""
    return _ratio(_right(counts).sum(-1), counts.sum((-2, -1)))


def frequency_weighted_iou(counts: np.ndarray) -> np.ndarray:
    """
    IoU weighted by the classes' shares of the true pixels.

    :param counts: (..., N, N + 1).
    :return: (...) float64; NaN without a pixel.
    """
    true = counts.sum(-1)
    share = _ratio(true, true.sum(-1, keepdims=True))
    return np.where(true.any(-1), np.nansum(share * np.nan_to_num(iou(counts)), -1), np.nan)


def _right(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    return np.divide(part, whole, out=np.full(shape, np.nan), where=np.asarray(whole) > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of rows without any value, whose mean is NaN
        return np.nanmean(values, -1)
