"""What the seconds of a drive's tags count: its frames, its headers' stamps, or the times of recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from wsvs_ros.drives.drive import Drive
from wsvs_ros.perception.frames import Frame
from wsvs_ros.yaml_fields import Fields

STAMPS = ("frames", "header", "log")
KEYS = ("stamps", "fps", "topic")
"""Of a drive in `tags.yaml`, beside its clips; each may be missing."""


@dataclass(frozen=True)
class TimeBase:
    """
    How the times of a drive's tags were counted; always from the drive's first frame on.

    :param stamps: `frames`, a frame's number over `fps` (folders and videos); of bags `header`, the stamps in the
        messages' headers, or `log`, the times at which the messages were recorded. None where the file does not say.
    :param fps: frames per second that `frames` were counted by.
    :param topic: the image topic of a bag.
    """

    stamps: str | None = None
    fps: float | None = None
    topic: str | None = None

    @classmethod
    def of(cls, drive: Drive) -> TimeBase:
        """
        What is counted by where a file of tags does not say: what `wsvs tag` counts on this drive.

        :param drive: opened with the topic and the frame rate that are to be assumed.
        """
        if drive.kind == "bag":
            return cls("log", topic=getattr(drive, "topic", None))
        return cls("frames", fps=drive.fps)

    def completed(self, drive: Drive) -> TimeBase:
        """This one, and what it leaves open as :meth:`of` has it."""
        told = TimeBase.of(drive)
        if self.stamps is None:
            return replace(told, topic=self.topic or told.topic)
        return replace(self, topic=self.topic or told.topic)

    def agrees(self, other: TimeBase) -> bool:
        """Whether nothing that both tell differs."""
        both = [(getattr(self, key), getattr(other, key)) for key in KEYS]
        return all(one == another for one, another in both if None not in (one, another))

    def stamp_ns(self, frame: Frame) -> int:
        """
        When a frame was, in this time base; the difference to the first frame's is what tags count.

        :param frame: of a drive that was opened with this `fps` and `topic`.
        :return: nanoseconds.
        """
        return int(frame.source[1]) if self.stamps == "log" else frame.stamp_ns

    def __str__(self) -> str:
        if self.stamps == "frames":
            return f"frames at {self.fps:.6g} a second"
        kinds = {"header": "headers' stamps", "log": "times of recording"}
        return kinds.get(self.stamps or "", "nothing that is known") + (f" of {self.topic}" if self.topic else "")

    def to_yaml(self) -> dict[str, Any]:
        """The keys that say so in `tags.yaml`; none where nothing is known."""
        return {key: value for key in KEYS if (value := getattr(self, key)) is not None}


def read_time_base(fields: Fields) -> TimeBase:
    """
    The time base beside a drive's clips.

    :raises WsvsError: as `fields` does, naming the key, its value and what would be accepted.
    """
    stamps = fields.raw("stamps")
    fps = None if fields.raw("fps") is None else fields.number("fps")
    topic = None if fields.raw("topic") is None else fields.text("topic")
    if stamps is not None and stamps not in STAMPS:
        fields.refuse("stamps", ", ".join(STAMPS))
    if fps is not None and fps <= 0:
        fields.refuse("fps", "frames per second, more than 0")
    if fps is not None and (topic is not None or stamps in ("header", "log")):
        fields.refuse("fps", "nothing: it belongs to `stamps: frames`, and a bag's messages have stamps of their own")
    if topic is not None and stamps == "frames":
        fields.refuse("topic", "nothing: it belongs to a bag, whose `stamps` are header or log")
    if stamps == "frames" and fps is None:
        fields.refuse("fps", "frames per second, by which `stamps: frames` were counted")
    return TimeBase("frames" if fps is not None else stamps, fps, topic)
