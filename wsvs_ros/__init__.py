"""Weakly-supervised video segmentation for ROS 2: learned from clip tags, run on a car's camera."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
