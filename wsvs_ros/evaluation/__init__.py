"""Measures label maps against the truth and shows them."""

from __future__ import annotations

from wsvs_ros.evaluation.metrics import ConfusionMatrix, MetricsError
from wsvs_ros.perception.render import colorize, colorize_flow, overlay

__all__ = ["ConfusionMatrix", "MetricsError", "colorize", "colorize_flow", "overlay"]
