"""The report of a run: one page that needs no network, and the same figures as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from wsvs_ros.evaluation import charts
from wsvs_ros.evaluation.axes import Axes, Series
from wsvs_ros.evaluation.evaluation import Evaluation, FrameFigures, apart
from wsvs_ros.evaluation.frames import Run
from wsvs_ros.evaluation.heatmap import heatmap
from wsvs_ros.evaluation.page import check_folder, write_page
from wsvs_ros.evaluation.pictures import data_uri, mistakes, triplet
from wsvs_ros.perception.labels import LabelSet

__all__ = ["check_folder", "write_report"]

_SHOWN = 100  # frames behind the slider
_LARGE, _SMALL = 420, 320  # widths of pictures, pixels
_CHOSEN = 3  # worst frames, median ones, best ones


def write_report(folder: Path, run: Run, evaluation: Evaluation) -> Path:
    """
    Write `index.html` and `report.json`.

    The run is read once more for the pictures, of a hundred frames at most; a long drive's page is no larger.

    :param evaluation: of this run.
    :return: the page's file.
    :raises ReportError: if the folder holds something else, or cannot be written.
    """
    figures = evaluation.to_dict()
    ranked = _ranked(evaluation.frames)
    spread = evaluation.frames[:: -(-len(evaluation.frames) // _SHOWN)]
    pictures = _pictures(run, evaluation, {f.name for f, _ in ranked}, {f.name for f in spread})
    content = {
        "title": f"{run.name}: {'how good it was' if evaluation.truths else 'what was seen'}",
        "subtitle": _subtitle(run, evaluation),
        "truth": bool(evaluation.truths),
        "headline": headline(figures),
        "classes": class_rows(figures, evaluation.label_set),
        "unlabelled": _unlabelled(figures["pixels"]),
        "colors": list(zip(evaluation.label_set.names, css_colors(evaluation.label_set), strict=True)),
        **_charts(evaluation, figures),
        "chosen": [{**_shown(frame, word), "pictures": pictures[0][frame.name]} for frame, word in ranked],
        "chosen_title": f"Worst, median and best frames by {'mIoU' if evaluation.truths else 'steadiness'}",
        "frames": [{**_shown(frame), "pictures": pictures[1][frame.name]} for frame in spread],
    }
    facts = {"run": str(run.path), "labels": str(run.labels_path) if run.labels_path else None, "missing": run.missing}
    summary = {key: run.summary.get(key) for key in ("input", "model", "engine", "settings")}
    return write_page(
        folder, "report.html", content, {**facts, **summary, **figures, "per_frame": evaluation.per_frame()}
    )


def headline(figures: dict[str, Any]) -> list[dict[str, str]]:
    """The cards at the top: name, value and what it means, those that were measured."""
    latency, vehicles = figures["latency_ms"] or {}, figures["vehicles"] or {}
    percents = [
        ("mIoU %", figures["miou"], "mean intersection over union of the classes"),
        ("class accuracy %", figures["class_accuracy"], "mean share of a class's true pixels that were found"),
        ("global accuracy %", figures["global_accuracy"], "share of right pixels"),
        ("weighted IoU %", figures["frequency_weighted_iou"], "IoU weighted by the classes' shares"),
        ("steadiness %", figures["temporal"]["agreement"], "share of pixels that keep their label along the flow"),
        ("vehicle IoU %", vehicles.get("iou"), "of the vehicle mask"),
        ("CorLoc %", vehicles.get("corloc"), "frames whose largest vehicle region is in the right place"),
        ("calibration error %", figures["calibration"]["ece"], "mean gap of confidence and accuracy"),
    ]
    cards = [
        {"name": name, "value": f"{100 * value:.1f}", "meaning": meaning}
        for name, value, meaning in percents
        if value is not None
    ]
    if latency:
        meaning = "half, and 95 of 100 frames, were faster"
        cards.append(
            {"name": "ms, p50 / p95", "value": f"{latency['p50']:.0f} / {latency['p95']:.0f}", "meaning": meaning}
        )
    return [*cards, {"name": "frames", "value": str(figures["frames"]), "meaning": "frames of the run"}]


def class_rows(figures: dict[str, Any], label_set: LabelSet) -> list[dict[str, Any]]:
    """A row of the table for each class."""
    return [
        {
            "name": name,
            "color": color,
            "iou": figures["per_class"][name],
            "accuracy": figures["accuracy_per_class"][name],
            "seen": figures["seen_per_class"].get(name),
        }
        for name, color in zip(label_set.names, css_colors(label_set), strict=True)
    ]


def css_colors(label_set: LabelSet) -> list[str]:
    """The classes' colours as a page writes them."""
    return [f"rgb({r},{g},{b})" for r, g, b in label_set.colors[: len(label_set)].tolist()]


def times(frames: Sequence[FrameFigures]) -> tuple[list[float], str]:
    """Where frames stand in a chart: seconds from the first one, or their numbers where stamps are not known."""
    stamps = [frame.stamp_ns for frame in frames]
    if any(stamp is None for stamp in stamps) or len(frames) < 2 or stamps[0] == stamps[-1]:
        return [float(index) for index in range(len(frames))], "frame"
    first = stamps[0] or 0
    return [((stamp or 0) - first) * 1e-9 for stamp in stamps], "seconds"


def _charts(evaluation: Evaluation, figures: dict[str, Any]) -> dict[str, Any]:
    frames, label_set = evaluation.frames, evaluation.label_set
    xs, unit = times(frames)
    span = (min(xs, default=0.0), max(xs, default=1.0) or 1.0)
    series = [
        Series("mIoU of the frame", [frame.miou for frame in frames], "var(--a)"),
        Series("steadiness", [frame.consistency for frame in frames], "var(--b)"),
    ]
    drawn = [one for one in series if any(value is not None for value in one.values)]
    wide = Axes(span, (0, 1), unit, "share", width=1100, height=220)
    trimap, calibration = figures["trimap"], figures["calibration"]
    known = [(w, a) for w, a in zip(trimap["widths"], trimap["accuracy"], strict=True) if a is not None]
    latencies = np.array([frame.latency_ms for frame in frames if frame.latency_ms is not None])
    return {
        "confusion": Markup(heatmap(evaluation.matrix.counts, label_set.names)) if evaluation.truths else "",
        "seen": Markup(charts.areas(xs, evaluation.shares[:, :-1], label_set.names, css_colors(label_set), wide)),
        "over_time": Markup(charts.lines(xs, drawn, wide)) if drawn and len(frames) > 1 else "",
        "time_legend": [(one.name, one.color) for one in drawn],
        "trimap": Markup(
            charts.lines(
                [w for w, _ in known],
                [Series("accuracy", [a for _, a in known], "var(--a)")],
                Axes((0, known[-1][0]), (0, 1), "width of the band, pixels", "accuracy", width=400, height=290),
                dots=True,
            )
        )
        if known
        else "",
        "calibration": Markup(
            charts.reliability(calibration["confidence"], calibration["accuracy"], calibration["share"])
        )
        if calibration["ece"] is not None
        else "",
        "latency": Markup(charts.histogram(latencies, "milliseconds", markers=figures["latency_ms"]))
        if len(latencies)
        else "",
    }


def _pictures(
    run: Run, evaluation: Evaluation, chosen: set[str], spread: set[str]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Large ones, with mistakes, of the chosen frames; small ones of those behind the slider."""
    large, small = {}, {}
    classes = len(evaluation.label_set)
    for frame in run.read(chosen | spread):
        if frame.name in chosen:
            large[frame.name] = triplet(frame, evaluation.label_set, _LARGE)
            if frame.truth is not None:
                wrong = mistakes(frame.pred, frame.truth, classes)
                large[frame.name]["mistakes"] = data_uri(wrong, _LARGE, labels=True)
        if frame.name in spread:
            small[frame.name] = triplet(frame, evaluation.label_set, _SMALL)
    return large, small


def _ranked(frames: list[FrameFigures]) -> list[tuple[FrameFigures, str]]:
    """The worst, the median and the best frames, with the word for each."""

    def figure(frame: FrameFigures) -> float | None:
        return frame.miou if any(one.miou is not None for one in frames) else frame.consistency

    known = [k for k, frame in enumerate(frames) if figure(frame) is not None]
    order = sorted(known, key=lambda k: (figure(frames[k]) or 0.0, k))
    if len(order) < 3 * _CHOSEN:
        return [(frames[k], "") for k in order]
    middle = (len(order) - 1) // 2
    parts = {
        "worst": apart(order, len(frames), _CHOSEN),
        "median": order[middle : middle + 1],
        "best": apart(order[::-1], len(frames), _CHOSEN),
    }
    return [(frames[k], word) for word, part in parts.items() for k in part]


def _shown(frame: FrameFigures, word: str = "") -> dict[str, str]:
    told = [word, frame.name]
    told += [f"mIoU {100 * frame.miou:.1f} %"] if frame.miou is not None else []
    told += [f"accuracy {100 * frame.accuracy:.1f} %"] if frame.accuracy is not None else []
    told += [f"steadiness {100 * frame.consistency:.1f} %"] if frame.consistency is not None else []
    return {"name": frame.name, "caption": " · ".join(part for part in told if part)}


def _subtitle(run: Run, evaluation: Evaluation) -> str:
    model = run.summary.get("model")
    told = [f"model {model.get('name')}" if isinstance(model, dict) else "", str(run.summary.get("engine") or "")]
    told += [f"drive {run.summary['input']}" if run.summary.get("input") else "", f"predictions {run.path}"]
    told += [f"truth {run.labels_path}" if run.labels_path else "no truth", f"label set {evaluation.label_set.name}"]
    return " · ".join(part for part in told if part)


def _unlabelled(pixels: dict[str, int]) -> str:
    total = pixels["labelled"] + pixels["unlabelled"]
    return f"{100 * pixels['unlabelled'] / total:.1f} % of the pixels have no truth and do not count." if total else ""
