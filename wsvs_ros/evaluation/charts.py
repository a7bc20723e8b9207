"""Charts as inline SVG, drawn in the page's own colours (CSS variables), each with a title for every mark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from wsvs_ros.evaluation.axes import Axes, Series, Values

_POINTS = 400  # that a line is drawn with at most; of more, means of neighbours


def lines(xs: Values, series: Sequence[Series], axes: Axes, *, dots: bool = False) -> str:
    """
    Lines over common places to the right; a gap where a value is missing.

    :param dots: mark each point.
    """
    marks = []
    for one in series:
        points = _thinned(xs, one.values)
        path, pen = [], "M"
        for x, y in points:
            if y is None:
                pen = "M"
                continue
            place = axes.at(x, min(max(y, axes.y[0]), axes.y[1]))
            path.append(f"{pen}{place[0]:.1f} {place[1]:.1f}")
            pen = "L"
            if dots:
                told = escape(f"{one.name}: {_number(y, percent=axes.percent)} at {x:.4g}")
                marks.append(
                    f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="3" fill="{one.color}">'
                    f"<title>{told}</title></circle>"
                )
        marks.append(
            f'<path d="{"".join(path)}" fill="none" stroke="{one.color}" stroke-width="1.8">'
            f"<title>{escape(one.name)}</title></path>"
        )
    return axes.svg(*marks)


def areas(xs: Values, shares: np.ndarray, names: Sequence[str], colors: Sequence[str], axes: Axes) -> str:
    """
    Shares stacked on each other.

    :param shares: (points, classes), rows that sum to 1 at most.
    """
    thin = [_thinned(xs, column) for column in np.cumsum(shares, 1).T]
    below = [(x, 0.0) for x, _ in thin[0]]
    marks = []
    for name, color, above in zip(names, colors, thin, strict=True):
        edge = [(x, y or 0.0) for x, y in above]
        outline = [axes.at(x, min(y, 1.0)) for x, y in [*edge, *reversed(below)]]
        told = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        marks.append(f'<polygon points="{told}" fill="{color}"><title>{escape(name)}</title></polygon>')
        below = edge
    return axes.svg(*marks)


def histogram(values: np.ndarray, axes_label: str, *, bins: int = 40, markers: dict[str, float] | None = None) -> str:
    """How often values occur, with named places marked; the slowest hundredth is drawn into the last bar."""
    far = float(np.percentile(values, 99) * 1.15) or 1.0
    counts, edges = np.histogram(np.minimum(values, far), bins=bins, range=(0, far))
    axes = Axes((0, far), (0, float(counts.max())), axes_label, "frames", width=400, height=290, percent=False)
    marks = []
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            (x, y), (end, bottom) = axes.at(left, count), axes.at(right, 0)
            marks.append(
                f'<rect class="column" x="{x + 0.5:.1f}" y="{y:.1f}" width="{end - x - 1:.1f}" '
                f'height="{bottom - y:.1f}">'
                f"<title>{count} frames, {left:.1f} to {right:.1f} ms</title></rect>"
            )
    for row, (name, value) in enumerate((markers or {}).items()):
        (x, bottom), (_, top) = axes.at(min(value, far), 0), axes.at(min(value, far), counts.max())
        anchor, gap = ("end", -4) if x > axes.width * 0.8 else ("start", 4)
        marks.append(f'<line class="marker" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom:.1f}" y2="{top:.1f}"/>')
        marks.append(
            f'<text class="label" x="{x + gap:.1f}" y="{top + 10 + 13 * row:.1f}" text-anchor="{anchor}">'
            f"{escape(name)}</text>"
        )
    return axes.svg(*marks)


def reliability(confidence: Values, accuracy: Values, share: Values) -> str:
    """Accuracy over confidence, with the line that it should follow and how many pixels each bin has."""
    axes = Axes((0, 1), (0, 1), "confidence", "accuracy", width=400, height=290)
    (x1, y1), (x2, y2) = axes.at(0, 0), axes.at(1, 1)
    marks = [f'<line class="ideal" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>']
    width = 1 / len(confidence)
    for index, value in enumerate(share):
        if value:
            (x, y), (end, bottom) = axes.at(index * width, value), axes.at((index + 1) * width, 0)
            marks.append(
                f'<rect class="share" x="{x + 0.5:.1f}" y="{y:.1f}" width="{end - x - 1:.1f}" '
                f'height="{bottom - y:.1f}"><title>{100 * value:.1f} % of the pixels</title></rect>'
            )
    known = [(c, a) for c, a in zip(confidence, accuracy, strict=True) if c is not None and a is not None]
    drawn = lines([c for c, _ in known], [Series("accuracy", [a for _, a in known], "var(--a)")], axes, dots=True)
    return drawn.replace("</svg>", "".join(marks) + "</svg>")


def _thinned(xs: Values, values: Values) -> list[tuple[float, float | None]]:
    """The points of a line; of many, the means of neighbours."""
    x = np.asarray(xs, float)
    y = np.array([np.nan if value is None else value for value in values], float)
    group = -(-len(x) // _POINTS) if len(x) else 1
    points: list[tuple[float, float | None]] = []
    for start in range(0, len(x), group):
        part = y[start : start + group]
        known = part[~np.isnan(part)]
        points.append((float(x[start : start + group].mean()), float(known.mean()) if len(known) else None))
    return points


def _number(value: float, *, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:.3g}"
