"""Ranges and steps that descriptors give to numbers."""

from __future__ import annotations

import math
from typing import Any

from wsvs_ros.embedded.parameter import Parameter

_TOLERANCE = 1e-6  # relative, of a floating-point value at its limits and steps, as in rclpy


def misfit(parameter: Parameter, descriptor: Any) -> str:
    """
    Why a value is not within its descriptor's range; empty if it is.

    :param descriptor: a rcl_interfaces/msg/ParameterDescriptor.
    """
    if parameter.type_ == Parameter.Type.INTEGER:
        limits, tolerance = descriptor.integer_range, 0.0
    elif parameter.type_ == Parameter.Type.DOUBLE:
        limits, tolerance = descriptor.floating_point_range, _TOLERANCE
    else:
        return ""
    for limit in limits:
        low, high = sorted((limit.from_value, limit.to_value))
        value = parameter.value
        if math.isclose(value, low, rel_tol=tolerance) or math.isclose(value, high, rel_tol=tolerance):
            continue
        if not low < value < high:
            return f"parameter {parameter.name}: {value} is outside {low} to {high}"
        if limit.step:
            nearest = low + round((value - low) / limit.step) * limit.step
            if not math.isclose(value, nearest, rel_tol=tolerance):
                return f"parameter {parameter.name}: {value} is no step of {limit.step} from {low}"
    return ""
