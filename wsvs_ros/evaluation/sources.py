"""Where label maps lie: PNGs in a folder, a run's output, a topic in a bag. All are read one by one."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.folders import natural_key
from wsvs_ros.drives.frame_log import read_frame_log
from wsvs_ros.drives.label_topics import LabelTopics
from wsvs_ros.drives.open import is_bag
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.label_maps import read_label_map

_WAITING = 64  # label maps of a bag that are kept because nobody asked for them yet


@dataclass(frozen=True)
class Labelled:
    """
    One frame's label map, not yet read.

    :param name: of the frame.
    :param stamp_ns: of the frame, None where it is not known.
    :param where: what an error names.
    :param read: gives the (H, W) uint8 ids.
    :param latency_ms: how long it took, where that is known.
    :param numbered: the name is only a number in the order of a topic, so the stamp has to tell the frame.
    :param turn: how many frames of the same stamp came before; a clock that stands still gives many.
    """

    name: str
    stamp_ns: int | None
    where: str
    read: Callable[[], np.ndarray]
    latency_ms: float | None = None
    numbered: bool = False
    turn: int = 0


class Turns:
    """Tells frames of the same stamp apart by their order."""

    def __init__(self) -> None:
        self._seen: Counter[int] = Counter()

    def key(self, stamp_ns: int) -> tuple[int, int]:
        """The stamp of the next frame, and how many had it before."""
        self._seen[stamp_ns] += 1
        return stamp_ns, self._seen[stamp_ns] - 1


class LabelSource(Protocol):
    """
    Label maps in their order.

    `names` are the frames' names where these are known beforehand.
    """

    path: Path
    names: tuple[str, ...] | None

    def __iter__(self) -> Iterator[Labelled]: ...

    def find(self, frame: Labelled) -> Labelled | None:
        """The label map of the same frame; frames are asked for in their order."""


class LabelFolder:
    """
    Label PNGs, or the output of `wsvs segment`.

    :raises WsvsError: if there are none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path / "labels" if (path / "labels").is_dir() else path
        if not self.path.is_dir():
            raise WsvsError(f"{path}: no such folder")
        self._log = read_frame_log(self.path.parent) if self.path != path else {}
        self._files = {file.stem: file for file in sorted(self.path.glob("*.png"), key=natural_key)}
        if not self._files:
            raise WsvsError(f"{self.path}: no label PNGs here")
        self.names: tuple[str, ...] | None = tuple(self._files)
        turns = Turns()
        self._by_stamp = {turns.key(record.stamp_ns): name for name, record in self._log.items()}
        self._turns = {name: turn for (_, turn), name in self._by_stamp.items()}

    def __iter__(self) -> Iterator[Labelled]:
        return (self._labelled(name) for name in self._files)

    def find(self, frame: Labelled) -> Labelled | None:
        """By name, or by stamp if the frame comes from a topic."""
        name = frame.name
        if frame.numbered:
            if not self._log:
                raise WsvsError(f"{self.path}: has no frames.csv beside it, which would give the stamps of its frames")
            name = self._by_stamp.get((frame.stamp_ns or 0, frame.turn), "")
        return self._labelled(name) if name in self._files else None

    def _labelled(self, name: str) -> Labelled:
        file, record = self._files[name], self._log.get(name)
        return Labelled(
            name=name,
            stamp_ns=record.stamp_ns if record else None,
            turn=self._turns.get(name, 0),
            where=str(file),
            read=lambda: read_label_map(file),
            latency_ms=record.latency_ms if record else None,
        )


class LabelTopic:
    """
    A label topic in a bag: mono8, ids as they are.

    :param topic: by default `/segmentation/label`.
    :raises DriveError: if there is no such bag or topic.
    """

    names: tuple[str, ...] | None = None

    def __init__(self, path: Path, topic: str | None = None) -> None:
        self.path = path
        self._topic = topic or LabelTopics().label
        self._stream: Iterator[Labelled] | None = None
        self._passed: OrderedDict[tuple[int, int], Labelled] = OrderedDict()
        open_drive(path, topic=self._topic).close()

    def __iter__(self) -> Iterator[Labelled]:
        turns = Turns()
        with open_drive(self.path, topic=self._topic) as drive:
            for frame in drive:
                yield Labelled(
                    name=frame.name,
                    stamp_ns=frame.stamp_ns,
                    where=f"{self.path} at {frame.stamp_ns * 1e-9:.3f} s",
                    read=lambda frame=frame: _ids(frame),  # type: ignore[misc]
                    numbered=True,
                    turn=turns.key(frame.stamp_ns)[1],
                )

    def find(self, frame: Labelled) -> Labelled | None:
        """The label image of the same stamp; those passed over on the way there are kept for a while."""
        if frame.stamp_ns is None:
            raise WsvsError(
                f"{frame.where}: has no stamp, by which labels in a bag are found; `wsvs segment` writes a frames.csv "
                "with them"
            )
        if self._stream is None:
            self._stream = iter(self)
        wanted = (frame.stamp_ns, frame.turn)
        while wanted not in self._passed:
            following = next(self._stream, None)
            if following is None or following.stamp_ns is None:
                return None
            self._passed[following.stamp_ns, following.turn] = following
            if len(self._passed) > _WAITING:
                self._passed.popitem(last=False)
            if following.stamp_ns > frame.stamp_ns:
                break
        return self._passed.pop(wanted, None)


def open_labels(path: Path, topic: str | None = None) -> LabelSource:
    """
    Label PNGs, a run's output, or a bag with a label topic.

    :param topic: of a bag, by default `/segmentation/label`.
    :raises WsvsError: if there are no labels.
    """
    if is_bag(path):
        return LabelTopic(path, topic)
    if not (path / "labels").is_dir() and (path / "bag").is_dir() and not any(path.glob("*.png")):
        return LabelTopic(path / "bag", topic)  # what `wsvs record` leaves
    if topic is not None:
        raise DriveError(f"{path}: not a bag, so it has no topic {topic!r}")
    return LabelFolder(path)


def _ids(frame: Frame) -> np.ndarray:
    return np.ascontiguousarray(frame.image[..., 0])
