"""Builds the flow that a bundle names."""

from __future__ import annotations

from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow.interface import FlowAlgorithm, FlowError
from wsvs_ros.perception.flow.opencv_dis import OpenCvDis


def create_flow(settings: FlowSettings) -> FlowAlgorithm:
    """
    Build a flow algorithm.

    :param settings: as the bundle has them.
    :raises FlowError: if there is no such algorithm or preset; the message names those there are.
    """
    if settings.algorithm != "dis":
        raise FlowError(f"flow algorithm {settings.algorithm!r}: expected dis")
    return OpenCvDis(settings.preset)
