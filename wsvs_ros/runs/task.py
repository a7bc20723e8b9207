"""One drive that is to be segmented: what, where to, how."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wsvs_ros.runs.options import SegmentOptions


@dataclass(frozen=True)
class SegmentTask:
    """
    A drive, its folder of results and the options.

    :param input: a path, or `synthetic`.
    :param overwrite: replace the results of an earlier run.
    :param resume: go on with a run that was interrupted.
    :param cores: processor cores that OpenCV may take; None for all. Of several drives at once, none takes the others'.
    """

    input: str
    output: Path
    options: SegmentOptions = field(default_factory=SegmentOptions)
    overwrite: bool = False
    resume: bool = False
    quiet: bool = False
    cores: int | None = None

    def again(self) -> SegmentTask:
        """The same after a machine was lost: what it did is kept."""
        return replace(self, resume=True, overwrite=False)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for another process or machine."""
        return {**vars(self), "output": str(self.output), "options": self.options.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> SegmentTask:
        """What :meth:`to_dict` gave."""
        options = SegmentOptions.from_dict(content["options"])
        return cls(**{**content, "output": Path(content["output"]), "options": options})
