"""The label set that runs are measured in: what they and the truth say must agree."""

from __future__ import annotations

from pathlib import Path

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.mapping import LabelMapping
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.runs.run_folder import RunFolder

_DEFAULT = "camvid11"


class LabelSetMismatch(WsvsError):
    """Ids that mean different classes would have been compared."""


def common_label_set(
    pred: Path,
    labels: Path | None = None,
    *,
    chosen: str | None = None,
    mapping: LabelMapping | None = None,
    truth_mapping: LabelMapping | None = None,
) -> LabelSet:
    """
    In what a run is measured: the mapping's target, what was chosen, or what the run says, else camvid11.

    :param pred: a run, or label maps.
    :param labels: the truth.
    :param chosen: name or file of a label set, of those that do not tell.
    :param mapping: of the predictions; `truth_mapping`: of the truth. At most one of them.
    :raises LabelSetMismatch: if run or truth say that their ids mean other classes.
    """
    told, true = RunFolder.around(pred).label_set, RunFolder.around(labels).label_set if labels is not None else None
    one = mapping or truth_mapping
    if one is not None:
        result = one.target
        _check(pred, told, mapping.source if mapping else result)
        _check(labels, true, truth_mapping.source if truth_mapping else result)
        return result
    result = LabelSet.load(chosen) if chosen else told or true or LabelSet.load(_DEFAULT)
    _check(pred, told, result)
    _check(labels, true, result)
    return result


def check_same(first: Path, one: LabelSet, second: Path, other: LabelSet) -> None:
    """
    :raises LabelSetMismatch: if two runs are measured in different classes.
    """
    if one.names != other.names:
        raise LabelSetMismatch(
            f"{second}: its labels are of {other.name}, those of {first} of {one.name}; the same ids mean "
            "other classes, so bring one of them into the other's label set first"
        )


def _check(path: Path | None, told: LabelSet | None, expected: LabelSet) -> None:
    if path is not None and told is not None and told.names != expected.names:
        raise LabelSetMismatch(
            f"{path}: its labels are of {told.name}, but {expected.name} is expected, where the same ids mean other "
            f"classes; name a mapping with --map (of the predictions) or --truth-map (of the truth)"
        )
