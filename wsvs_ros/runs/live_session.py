"""A drive played as a camera, the node and a recorder beside it: three processes over the middleware."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wsvs_ros.drives import open_drive
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import replace_file, writing
from wsvs_ros.perception import ModelBundle
from wsvs_ros.runs.domains import free_domain
from wsvs_ros.runs.processes import Processes

_START = 60.0  # seconds that a process may take to start
_READY = "->"  # node and recorder print it, with what they read and write
_LONGEST = 24 * 3600.0  # seconds, of a drive that does not tell its length
_MEET = 1.0  # seconds in which node and recorder find each other, and in which the last labels arrive


@dataclass(frozen=True)
class LiveSession:
    """
    What is played, and what comes of it.

    :param drive: a path, or `synthetic`.
    :param folder: gets the bag, the overlay video, `play.json`, `record.json`, `frames.txt` and the logs.
    :param topic: image topic of a bag with several.
    :param fps: rate to play at instead of the drive's own.
    :param seconds: play at most that long.
    :param parameters: of the node, `name=value`.
    :param domain: ROS domain; None for one that nobody uses here.
    """

    drive: str
    folder: Path
    bundle: ModelBundle
    topic: str | None = None
    fps: float | None = None
    seconds: float | None = None
    parameters: tuple[str, ...] = ()
    domain: int | None = None

    @property
    def bag(self) -> Path:
        """What was published and received."""
        return self.folder / "bag"

    @property
    def played(self) -> dict[str, Any]:
        """Frames, seconds and rate of what was played."""
        return _read(self.folder / "play.json")

    @property
    def recorded(self) -> dict[str, Any]:
        """What the recorder counted, with latencies in milliseconds."""
        return _read(self.folder / "record.json")

    @property
    def published(self) -> dict[int, tuple[str, int]]:
        """Published stamp -> the frame's name and its own stamp; nanoseconds."""
        found = {}
        for line in (self.folder / "frames.txt").read_text(encoding="utf-8").splitlines():
            name, stamp, published = line.rsplit(" ", 2)
            found[int(published)] = name, int(stamp)
        return found

    def run(self) -> None:
        """
        Play the drive to its end.

        :raises WsvsError: if a process fails, or no label came.
        """
        with open_drive(self.drive, topic=self.topic, fps=self.fps) as drive:  # what is wrong is told beforehand
            rate, count = drive.fps, drive.frame_count
        classes = self.folder / "labels.yaml"
        with writing(classes):
            replace_file(classes, yaml.safe_dump(self.bundle.labels.to_dict(), sort_keys=False))
        longest = count / rate if count and rate else _LONGEST
        if self.seconds is not None:
            longest = min(longest, self.seconds)
        domain = free_domain() if self.domain is None else self.domain
        record = ["-o", str(self.folder), "--label-set", str(classes), *(["--fps", str(rate)] if rate else [])]
        parameters = [word for one in self.parameters for word in ("--param", one)]
        with Processes(self.folder, ["--localhost", "--domain", str(domain)]) as processes:
            processes.start("record", *record)
            processes.start("run", "--model", str(self.bundle.path), *parameters)
            for command in ("record", "run"):
                processes.wait_until_ready(command, _READY, _START)
            time.sleep(_MEET)  # the player waits for the node itself
            processes.start("play", *self._play())
            processes.wait_for_end("play", 2 * longest + _START)
            time.sleep(_MEET)
        if not self.recorded["labels"]:
            raise WsvsError(f"no label came of this drive; what the node says about it: {self.folder / 'run.log'}")

    def _play(self) -> list[str]:
        words = [self.drive, "--json", str(self.folder / "play.json")]
        words += ["--frames-log", str(self.folder / "frames.txt")]
        for option, value in (("--topic", self.topic), ("--fps", self.fps), ("--seconds", self.seconds)):
            words += [option, str(value)] if value is not None else []
        return words


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
