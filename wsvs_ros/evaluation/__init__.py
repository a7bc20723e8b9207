"""Measures label maps against the truth and shows what was measured."""

from __future__ import annotations

from wsvs_ros.evaluation.metrics import ConfusionMatrix, MetricsError

__all__ = ["ConfusionMatrix", "MetricsError"]
