"""Tags for and from other programs: CSV, CVAT, FiftyOne."""

from __future__ import annotations

from wsvs_ros.tagging.exchange.formats import FORMATS, Format, read_tags

__all__ = ["FORMATS", "Format", "read_tags"]
