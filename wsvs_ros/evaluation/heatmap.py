"""The confusion matrix as a picture, inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np


def heatmap(counts: np.ndarray, names: Sequence[str]) -> str:
    """
    Confusion of each true class, as shares of its pixels.

    :param counts: (N, N + 1), see `ConfusionMatrix`.
    """
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    columns = [*names, "none"] if counts[:, -1].any() else list(names)
    cell, left, top = 34, 92, 78
    width, height = left + cell * len(columns) + 36, top + cell * len(names) + 20
    parts = []
    for column, name in enumerate(columns):
        x = left + cell * (column + 0.5)
        parts.append(f'<text class="tick" transform="translate({x + 4} {top - 6}) rotate(-55)">{escape(name)}</text>')
    for row, name in enumerate(names):
        y = top + cell * row
        parts.append(
            f'<text class="tick" x="{left - 6}" y="{y + cell / 2 + 4}" text-anchor="end">{escape(name)}</text>'
        )
        for column, other in enumerate(columns):
            value = float(share[row, column])
            told = escape(f"{name} called {other}: {100 * value:.1f} %")
            kind = "right" if row == column else "wrong"
            shade = "strong" if value > 0.55 else "weak"
            x = left + cell * column
            parts.append(
                f'<rect class="cell {kind}" x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" '
                f'fill-opacity="{value**0.6:.3f}"><title>{told}</title></rect>'
            )
            if value >= 0.005:
                parts.append(
                    f'<text class="{shade}" x="{x + cell / 2}" y="{y + cell / 2 + 4}" text-anchor="middle">'
                    f"{100 * value:.0f}</text>"
                )
    label = (
        f'<text class="label" x="{left}" y="{height - 4}">rows: truth; columns: prediction; % of the true pixels</text>'
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" aria-label="confusion matrix">'
        f"{''.join(parts)}{label}</svg>"
    )
