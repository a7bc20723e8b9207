"""What `wsvs segment` is asked to do with a drive: the command line fills it, and it is the run's identity."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wsvs_ros.errors import WsvsError

if TYPE_CHECKING:
    from wsvs_ros.drives import Drive
    from wsvs_ros.perception import EngineOptions, ModelBundle

_DEVICES = r"auto|cpu|cuda(:\d+)?"
ALL_TOPICS = "all"


class OptionsError(WsvsError):
    """A run was asked for what there is not."""


@dataclass(frozen=True)
class SegmentOptions:
    """
    How one drive is segmented, and what is written of it.

    :param model: a bundle's folder; None for the package's own.
    :param engine: and `precision`, `providers`, `threads`, `workspace_mb`, `compile`: see `EngineOptions`.
    :param lookahead: frames of future that a frame waits for; None for the bundle's.
    :param motion: False treats each frame alone.
    :param crf: refine the labels along the image's edges.
    :param device: where the flow is computed: `auto`, `cpu`, `cuda` or `cuda:<number>`, see `VideoSegmenter`.
    :param flow_prior: begin each flow with the last frame's.
    :param topics: image topics of a bag; none for its only one, `all` for each there is.
    :param fps: frames per second to assume instead of the drive's own.
    :param start: seconds after the drive's first frame; what lies before is left out.
    :param end: likewise; what lies behind is left out. None for the drive's end.
    :param every: label each so-manieth frame; the others still tell the motion.
    :param confidence: write confidence maps.
    :param overlay: write the overlay video, and for bags the overlay's topic.
    :param palette: label PNGs show the classes' colours; their ids stay what they are.
    :param only_labels: leave a bag's own messages out of the labelled bag.
    :raises OptionsError: naming the option that is out of range.
    """

    model: str | None = None
    engine: str = "auto"
    precision: str = "auto"
    providers: tuple[str, ...] = ()
    threads: int | None = None
    workspace_mb: int = 2048
    compile: bool = False
    lookahead: int | None = None
    motion: bool = True
    crf: bool = False
    device: str = "auto"
    flow_prior: bool = False
    topics: tuple[str, ...] = ()
    fps: float | None = None
    start: float = 0.0
    end: float | None = None
    every: int = 1
    confidence: bool = False
    overlay: bool = True
    palette: bool = False
    only_labels: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(_DEVICES, self.device):
            raise OptionsError(f"device {self.device!r}: expected auto, cpu, cuda or cuda:<number>")
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise OptionsError(f"from {self.start} to {self.end} s: 0 <= start < end is needed")
        if self.every < 1:
            raise OptionsError(f"every {self.every}: at least 1 is needed")

    @cached_property
    def engine_options(self) -> EngineOptions:
        """
        What shall run the network.

        :raises EngineError: if a value is none of those there are.
        """
        from wsvs_ros.perception import EngineOptions

        return EngineOptions(
            engine=self.engine,
            precision=self.precision,
            providers=tuple(self.providers),
            threads=self.threads,
            workspace_mb=self.workspace_mb,
            compile=self.compile,
        )

    def identity(self, drive: Drive, bundle: ModelBundle, engine: str) -> dict[str, Any]:
        """
        All that decides about what is written, as plain data: a run is resumed only with the same.

        :param engine: what runs the network, in words: another one, or another precision, labels otherwise.
        """
        return {
            "model": bundle.sha256,
            "engine": engine,
            "lookahead": bundle.lookahead if self.lookahead is None else self.lookahead,
            "motion": self.motion,
            "crf": self.crf,
            "device": self.device,
            "flow_prior": self.flow_prior,
            "topic": getattr(drive, "topic", None),
            "fps": self.fps,
            "start": self.start,
            "end": self.end,
            "every": self.every,
            "confidence": self.confidence,
            "palette": self.palette,
        }

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> SegmentOptions:
        """What :meth:`to_dict` gave."""
        lists = {key: tuple(content[key]) for key in ("providers", "topics")}
        fields: dict[str, Any] = {**content, **lists}
        return cls(**fields)
