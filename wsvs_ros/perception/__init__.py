"""Frames in, segmentations out; knows no ROS."""

from __future__ import annotations

from wsvs_ros.perception.bundle import BundleError, FlowSettings, ModelBundle, default_bundle_path
from wsvs_ros.perception.frames import Frame, FrameError
from wsvs_ros.perception.labels import UNKNOWN, LabelClass, LabelSet, LabelSetError

__all__ = [
    "UNKNOWN",
    "BundleError",
    "FlowSettings",
    "Frame",
    "FrameError",
    "LabelClass",
    "LabelSet",
    "LabelSetError",
    "ModelBundle",
    "default_bundle_path",
]
