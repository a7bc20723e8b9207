"""The error of the readers of public datasets."""

from __future__ import annotations

from wsvs_ros.errors import WsvsError


class DatasetError(WsvsError):
    """A dataset that is not laid out as its reader expects."""
