"""What can go wrong while people tag."""

from __future__ import annotations

from wsvs_ros.errors import WsvsError


class TaggingError(WsvsError):
    """Something about the drives, the tags or the page that the user can mend."""


class EditError(TaggingError):
    """A change that makes no sense, e.g. of a clip that does not exist."""


class ConflictError(TaggingError):
    """Another tab or another program changed the tags in the meantime; the change was not applied."""


class SaveError(TaggingError):
    """The tags cannot be written; the change was not applied."""
