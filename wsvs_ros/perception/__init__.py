"""Frames in, segmentations out; knows no ROS."""

from __future__ import annotations

from wsvs_ros.perception.bundle import BundleError, FlowSettings, ModelBundle, default_bundle_path
from wsvs_ros.perception.crf import VIDEO_CRF, CrfError, CrfSettings
from wsvs_ros.perception.engines import Engine, EngineError, EngineOptions, available_engines, create_engine
from wsvs_ros.perception.flow import FlowAlgorithm, FlowError, create_flow
from wsvs_ros.perception.frames import Frame, FrameError
from wsvs_ros.perception.labels import UNKNOWN, LabelClass, LabelSet, LabelSetError
from wsvs_ros.perception.pending import SegmenterStats
from wsvs_ros.perception.segmentation import Segmentation
from wsvs_ros.perception.segmenter import VideoSegmenter
from wsvs_ros.perception.segmenter_settings import SegmenterError
from wsvs_ros.perception.window import FlowWindow

__all__ = [
    "UNKNOWN",
    "VIDEO_CRF",
    "BundleError",
    "CrfError",
    "CrfSettings",
    "Engine",
    "EngineError",
    "EngineOptions",
    "FlowAlgorithm",
    "FlowError",
    "FlowSettings",
    "FlowWindow",
    "Frame",
    "FrameError",
    "LabelClass",
    "LabelSet",
    "LabelSetError",
    "ModelBundle",
    "Segmentation",
    "SegmenterError",
    "SegmenterStats",
    "VideoSegmenter",
    "available_engines",
    "create_engine",
    "create_flow",
    "default_bundle_path",
]
