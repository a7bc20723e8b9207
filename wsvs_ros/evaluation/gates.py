"""Bounds that a run has to keep, for continuous integration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wsvs_ros.errors import WsvsError

FIGURES = {
    "miou": ("miou",),
    "class_accuracy": ("class_accuracy",),
    "global_accuracy": ("global_accuracy",),
    "frequency_weighted_iou": ("frequency_weighted_iou",),
    "precision": ("precision",),
    "f1": ("f1",),
    "boundary_f1": ("boundary_f1", "mean"),
    "steadiness": ("temporal", "agreement"),
    "vehicle_iou": ("vehicles", "iou"),
}
"""Where each stands in what `Evaluation.to_dict` gives; all are shares of 1."""


@dataclass(frozen=True)
class Gate:
    """
    A figure's lower bound.

    :param figure: one of `FIGURES`, or `iou.CLASS`.
    :param percent: the bound.
    """

    figure: str
    percent: float

    @classmethod
    def parse(cls, text: str) -> Gate:
        """
        Read `FIGURE=PERCENT`.

        :raises WsvsError: saying what would be accepted.
        """
        figure, _, bound = text.partition("=")
        try:
            percent = float(bound)
        except ValueError:
            percent = -1.0
        known = figure in FIGURES or figure.startswith("iou.")
        if not known or not 0 <= percent <= 100:
            raise WsvsError(f"{text}: write FIGURE=PERCENT, FIGURE one of {', '.join(FIGURES)}, iou.CLASS")
        return cls(figure, percent)

    def failure(self, figures: dict[str, Any]) -> str | None:
        """
        How the bound is missed, or None.

        :param figures: as `Evaluation.to_dict` gives them.
        :raises WsvsError: if the figure was not measured, e.g. without truth: a gate that cannot fail is none.
        """
        value: Any = figures
        path = ("per_class", self.figure[4:]) if self.figure.startswith("iou.") else FIGURES[self.figure]
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            raise WsvsError(f"--fail-under {self.figure}: was not measured; {self._needs()}")
        if 100 * value < self.percent:
            return f"{self.figure} is {100 * value:.2f} %, less than {self.percent:g} %"
        return None

    def _needs(self) -> str:
        if self.figure == "steadiness":
            return "it needs the camera's images (--images) of frames that follow each other"
        return "it needs a truth (--labels) that shows what is measured"
