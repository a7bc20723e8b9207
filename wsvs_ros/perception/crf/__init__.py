"""Fully-connected CRF: class probabilities refined along the edges of the image."""

from __future__ import annotations

from wsvs_ros.perception.crf.create import create_crf
from wsvs_ros.perception.crf.interface import Crf
from wsvs_ros.perception.crf.refiner import ScoreRefiner
from wsvs_ros.perception.crf.settings import VIDEO_CRF, CrfError, CrfSettings

__all__ = ["VIDEO_CRF", "Crf", "CrfError", "CrfSettings", "ScoreRefiner", "create_crf"]
