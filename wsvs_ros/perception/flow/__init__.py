"""Dense optical flow: one interface and its implementations."""

from __future__ import annotations

from wsvs_ros.perception.flow.create import create_flow
from wsvs_ros.perception.flow.interface import Flow, FlowAlgorithm, FlowError
from wsvs_ros.perception.flow.opencv_dis import OpenCvDis

__all__ = ["Flow", "FlowAlgorithm", "FlowError", "OpenCvDis", "create_flow"]
