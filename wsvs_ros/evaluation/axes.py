"""A chart's rectangle: scales, ticks and labels, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

Values = Sequence[float | None] | np.ndarray

_LEFT, _BOTTOM, _TOP, _RIGHT = 46, 34, 10, 12  # margins, pixels


@dataclass(frozen=True)
class Series:
    """A line: `values` (None where there is none) in a CSS colour."""

    name: str
    values: Values
    color: str


@dataclass(frozen=True)
class Axes:
    """
    What a chart's rectangle stands for.

    :param x: least and greatest value to the right; `y` upwards.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str
    width: int = 640
    height: int = 220
    percent: bool = True

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Place in pixels."""
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return (
            _LEFT + across * (self.width - _LEFT - _RIGHT),
            self.height - _BOTTOM - up * (self.height - _TOP - _BOTTOM),
        )

    def svg(self, *marks: str) -> str:
        """The chart with its grid, ticks and labels around the marks."""
        left, bottom = self.at(self.x[0], self.y[0])
        right = self.at(self.x[1], self.y[1])[0]
        parts = []
        for value in _ticks(*self.y):
            y = self.at(self.x[0], value)[1]
            text = f"{100 * value:g} %" if self.percent else f"{value:g}"
            parts.append(f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="tick" x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        for value in _ticks(*self.x):
            x = self.at(value, self.y[0])[0]
            parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom:.1f}" y2="{bottom + 4:.1f}"/>')
            parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 16:.1f}" text-anchor="middle">{value:g}</text>')
        middle = (left + right) / 2
        parts.append(f'<line class="axis" x1="{left:.1f}" x2="{right:.1f}" y1="{bottom:.1f}" y2="{bottom:.1f}"/>')
        parts.append(
            f'<text class="label" x="{middle:.1f}" y="{self.height - 3}" text-anchor="middle">'
            f"{escape(self.x_label)}</text>"
        )
        name = escape(f"{self.y_label} over {self.x_label}")
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{name}">'
            f"{''.join(parts)}{''.join(marks)}</svg>"
        )


def _ticks(low: float, high: float) -> list[float]:
    """Round values between two bounds, about five."""
    span = (high - low) or 1
    step = 10 ** np.floor(np.log10(span / 4))
    for factor in (1, 2, 2.5, 5, 10):
        if span / (step * factor) <= 6:
            step *= factor
            break
    first = np.ceil(low / step - 1e-9) * step
    return [round(float(value), 10) + 0.0 for value in np.arange(first, high + step * 1e-6, step)]
