"""From one trained network to the files that engines run, each checked against where it came from."""

from __future__ import annotations

from wsvs_ros.export.derive import derive, describe_files
from wsvs_ros.export.frames import FrameStore, frames_of_drive
from wsvs_ros.export.parity import ExportError, compare

__all__ = ["ExportError", "FrameStore", "compare", "derive", "describe_files", "frames_of_drive"]
