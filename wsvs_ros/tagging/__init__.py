"""Tag drives in the browser: clips, suggestions, the page and the server behind it."""

from __future__ import annotations

from wsvs_ros.tagging.errors import ConflictError, EditError, SaveError, TaggingError
from wsvs_ros.tagging.session import TaggingSession

__all__ = ["ConflictError", "EditError", "SaveError", "TaggingError", "TaggingSession"]
