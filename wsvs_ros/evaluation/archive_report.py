"""The report of an archive: one page with a row a drive, the worst first, and each drive's own page behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from wsvs_ros.evaluation.archive import RunRow, worst_first
from wsvs_ros.evaluation.page import FIGURES, PAGE, ReportError, check_folder, write_page
from wsvs_ros.evaluation.report import css_colors
from wsvs_ros.perception.labels import LabelSet

DRIVES = "drives"
"""The folder of the drives' own reports."""


def check_archive_folder(folder: Path) -> None:
    """
    Refuse a folder that holds anything but an earlier report of an archive.

    :raises ReportError: naming what is there.
    """
    check_folder(folder, besides=(DRIVES,))
    for path in (folder / DRIVES).rglob("*"):
        if not path.is_dir() and path.name not in (PAGE, FIGURES):
            raise ReportError(
                f"{folder}: holds {path.relative_to(folder)}, which is no report; give a folder of its own"
            )


def write_archive_report(folder: Path, archive: Path, rows: Sequence[RunRow], label_sets: Sequence[LabelSet]) -> Path:
    """
    Write `index.html` and `report.json`; the drives' own reports lie in `drives/` already.

    :param label_sets: of the runs; they give the classes their colours.
    :return: the page's file.
    :raises ReportError: if the folder holds something else, or cannot be written.
    """
    ordered = worst_first(rows)
    colors = {name: color for one in label_sets for name, color in zip(one.names, css_colors(one), strict=True)}
    measured = [row for row in ordered if row.page]
    names = _seen(measured)  # one order for all bars, so that they can be compared
    figures = {"archive": str(archive), **summarised(ordered), "drives": [asdict(row) for row in ordered]}
    content = {
        "title": f"{archive.resolve().name}: {len(ordered)} drives",
        "subtitle": f"{archive.resolve()}, {sum(row.frames for row in ordered)} frames; the worst drives come first",
        "headline": _headline(ordered),
        "rows": ordered,
        "truth": any(row.miou is not None for row in measured),
        "uncertain": any(row.uncertainty is not None for row in measured),
        "colors": [(name, colors.get(name, "gray")) for name in names],
        "color_of": colors,
        "bars": {row.name: sorted(row.seen, key=lambda item: names.index(item[0])) for row in measured},
    }
    return write_page(folder, "archive.html", content, figures, besides=(DRIVES,))


def summarised(rows: Sequence[RunRow]) -> dict[str, Any]:
    """Means over the drives, each counting once; None for what none of them has."""

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    return {
        "drives_measured": sum(bool(row.page) for row in rows),
        "drives_failed": sum(not row.page for row in rows),
        "frames": sum(row.frames for row in rows),
        "miou": mean([row.miou for row in rows]),
        "steadiness": mean([row.steadiness for row in rows]),
        "uncertainty": mean([row.uncertainty for row in rows]),
    }


def _headline(rows: Sequence[RunRow]) -> list[dict[str, str]]:
    found = summarised(rows)
    worst = [row.latency[1] for row in rows if row.latency]
    percents = [
        ("mean mIoU %", found["miou"], "of the drives with truth, each counting once"),
        ("mean steadiness %", found["steadiness"], "share of pixels that keep their label along the flow"),
        ("mean uncertainty %", found["uncertainty"], "1 - confidence, over all pixels"),
    ]
    cards = [(name, f"{100 * value:.1f}", meaning) for name, value, meaning in percents if value is not None]
    if worst:
        cards.append(("ms, slowest drive's p95", f"{max(worst):.0f}", "95 of 100 frames were faster on every drive"))
    lost = sum(bool(row.lost) for row in rows)
    cards += [
        ("drives measured", f"{found['drives_measured']} of {len(rows)}", "the others have no results"),
        ("drives with losses", str(lost), "a part of the recording could not be read"),
    ]
    return [{"name": name, "value": value, "meaning": meaning} for name, value, meaning in cards]


def _seen(rows: Sequence[RunRow]) -> list[str]:
    """The classes that were seen anywhere, the most seen first."""
    shares: dict[str, float] = {}
    for row in rows:
        for name, share in row.seen:
            shares[name] = shares.get(name, 0.0) + share
    return sorted(shares, key=lambda name: -shares[name])
