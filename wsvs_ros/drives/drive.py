"""A recorded drive: frames in their order, wherever they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.frames import Frame


class DriveError(WsvsError):
    """A drive that cannot be read or written."""


class Drive(Protocol):
    """
    What all readers of drives have in common. Reading is streamed: memory does not grow with the drive.

    `kind` is `video`, `folder`, `bag` or `synthetic`; `frame_count` is None where only reading would tell.
    """

    path: Path
    kind: str
    fps: float | None
    frame_count: int | None

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Drive: ...

    def __exit__(self, *exception: object) -> None: ...
