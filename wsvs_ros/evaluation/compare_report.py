"""The page that puts two runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from wsvs_ros.evaluation import charts
from wsvs_ros.evaluation.axes import Axes, Series
from wsvs_ros.evaluation.bootstrap import Interval
from wsvs_ros.evaluation.compare import Comparison, read_pairs
from wsvs_ros.evaluation.frames import EvaluatedFrame, Run
from wsvs_ros.evaluation.page import write_page
from wsvs_ros.evaluation.pictures import data_uri
from wsvs_ros.evaluation.report import css_colors, headline, times
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.painting import colorize

_SHOWN = 80  # frames behind the slider
_CHOSEN = 8  # frames that differ most
_LARGE, _SMALL = 420, 300  # widths of pictures, pixels


def write_comparison(folder: Path, first: Run, second: Run, comparison: Comparison) -> Path:
    """
    Write `index.html` and `report.json`.

    :param comparison: of these two runs, A and B.
    :return: the page's file.
    :raises ReportError: if the folder holds something else, or cannot be written.
    """
    figures = comparison.to_dict()
    frames, label_set = comparison.first.frames, comparison.label_set
    chosen = comparison.most_different(_CHOSEN)
    spread = list(range(0, len(frames), -(-len(frames) // _SHOWN) or 1))
    names = {frames[k].name for k in [*chosen, *spread]}
    pictures = {
        a.name: (_panel(a, b, label_set, _LARGE), _panel(a, b, label_set, _SMALL))
        for a, b in read_pairs(first, second, names)
    }
    xs, unit = times(frames)
    series = _series(comparison)
    axes = Axes((min(xs), max(xs) or 1.0), (0, 1), unit, "share", width=1100)
    content = {
        "title": f"A: {first.name}, B: {second.name}",
        "subtitle": f"A {first.path} · B {second.path} · "
        + (f"truth {first.labels_path}" if first.labels_path else "no truth"),
        "headline": _cards(figures),
        **_verdict(comparison.interval()),
        "figures": _rows(figures),
        "classes": _classes(figures, label_set) if comparison.first.truths else [],
        "over_time": Markup(charts.lines(xs, series, axes)),
        "time_legend": [(one.name, one.color) for one in series],
        "chosen": [_shown(comparison, k, pictures[frames[k].name][0]) for k in chosen],
        "frames": [_shown(comparison, k, pictures[frames[k].name][1]) for k in spread],
    }
    facts = {
        "a": str(first.path),
        "b": str(second.path),
        "labels": str(first.labels_path) if first.labels_path else None,
    }
    return write_page(folder, "compare.html", content, {**facts, **figures})


def _cards(figures: dict[str, Any]) -> list[dict[str, str]]:
    gain, differing = figures["difference"]["miou"], figures["differing_pixels"]
    cards = []
    if gain is not None:
        for name, run in (("mIoU % of A", "first"), ("mIoU % of B", "second")):
            value = f"{100 * figures[run]['miou']:.1f}"
            cards.append({"name": name, "value": value, "meaning": "mean intersection over union of the classes"})
        cards.append({"name": "B - A", "value": f"{100 * gain:+.1f}", "meaning": "difference of the mIoU, points"})
    differing = 0.0 if differing is None else differing
    cards.append(
        {"name": "pixels differ %", "value": f"{100 * differing:.1f}", "meaning": "labelled differently by A and B"}
    )
    return [*cards, {"name": "frames", "value": str(figures["first"]["frames"]), "meaning": "frames of both runs"}]


def _verdict(interval: Interval | None) -> dict[str, str]:
    if interval is None:
        return {"verdict": "", "verdict_note": ""}
    low, high = interval.low, interval.high
    if low is None or high is None:
        return {
            "verdict": "These frames do not tell",
            "verdict_note": f"mIoU of B minus A: {100 * interval.difference:+.2f} points, without an interval: "
            f"{interval.reason}.",
        }
    if interval.is_better:
        verdict = "B is better than A"
    elif interval.is_worse:
        verdict = "A is better than B"
    else:
        verdict = "No difference that this drive could show"
    note = (
        f"mIoU of B minus A: {100 * interval.difference:+.2f} points, 95 % interval {100 * low:+.2f} to "
        f"{100 * high:+.2f} (paired bootstrap over blocks of {interval.block} frames). It speaks of drives "
        "like this one, not of other places."
    )
    return {"verdict": verdict, "verdict_note": note}


def _rows(figures: dict[str, Any]) -> list[dict[str, str]]:
    """Every headline figure of both that both have."""
    first = {card["name"]: card["value"] for card in headline(figures["first"])}
    second = {card["name"]: card["value"] for card in headline(figures["second"])}
    rows = []
    for name in first:
        if name in second:
            try:
                gain = f"{float(second[name]) - float(first[name]):+.1f}"
            except ValueError:
                gain = ""
            rows.append({"name": name, "first": first[name], "second": second[name], "gain": gain})
    return rows


def _classes(figures: dict[str, Any], label_set: LabelSet) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "color": color,
            "first": figures["first"]["per_class"][name],
            "second": figures["second"]["per_class"][name],
            "gain": figures["per_class_difference"][name],
        }
        for name, color in zip(label_set.names, css_colors(label_set), strict=True)
    ]


def _series(comparison: Comparison) -> list[Series]:
    found = [
        Series("mIoU of A", [frame.miou for frame in comparison.first.frames], "var(--a)"),
        Series("mIoU of B", [frame.miou for frame in comparison.second.frames], "var(--b)"),
    ]
    differing = Series("pixels that differ", comparison.differing, "var(--soft)")
    return [*(found if comparison.first.truths else []), differing]


def _panel(first: EvaluatedFrame, second: EvaluatedFrame, label_set: LabelSet, width: int) -> dict[str, str]:
    found = {} if first.image is None else {"camera": data_uri(first.image, width)}
    maps = {"truth": first.truth, "A": first.pred, "B": second.pred}
    return found | {
        name: data_uri(colorize(labels, label_set), width, labels=True)
        for name, labels in maps.items()
        if labels is not None
    }


def _shown(comparison: Comparison, index: int, pictures: dict[str, str]) -> dict[str, Any]:
    frame, gain = comparison.first.frames[index], comparison.gains()[index]
    told = [frame.name] + ([f"B - A {100 * gain:+.1f} points"] if gain is not None else [])
    told.append(f"{100 * comparison.differing[index]:.1f} % of the pixels differ")
    return {"name": frame.name, "caption": " · ".join(told), "pictures": pictures}
