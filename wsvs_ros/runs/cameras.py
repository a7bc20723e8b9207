"""Several cameras of one bag: a run each in a folder of its own, and one bag with the labels of all."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

from tqdm import tqdm

from wsvs_ros.drives.bags import BagDrive
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.frame_log import read_frame_log
from wsvs_ros.drives.label_bag_writer import LabelBagWriter
from wsvs_ros.drives.label_topics import LabelTopics
from wsvs_ros.files import write_json
from wsvs_ros.images import to_bgr
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.perception.painting import overlay
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.run_folder import RunError, RunFolder
from wsvs_ros.runs.task import SegmentTask

CAMERAS = "cameras.json"


class Cameras:
    """
    The folders of a bag's cameras in one folder, listed in `cameras.json`.

    :param topics: two or more.
    :raises RunError: if the folder is not empty and not of these cameras.
    """

    def __init__(self, task: SegmentTask, topics: list[str]) -> None:
        self._task, self._topics = task, topics
        self._folders = {topic: task.output / folder_name(topic) for topic in topics}
        if len(set(self._folders.values())) < len(topics):
            raise RunError(f"{', '.join(topics)}: two of these topics would share a folder; segment them one by one")
        self._list = task.output / CAMERAS
        wanted = {folder.name: topic for topic, folder in self._folders.items()}
        if not RunFolder(task.output).is_empty:
            if self._read() != wanted:
                raise RunError(f"{task.output}: exists and does not hold results of these cameras; give a new folder")
            if not (task.resume or task.overwrite):
                raise RunError(f"{task.output}: is not empty; --resume goes on with it, --overwrite begins anew")
        try:
            task.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{task.output}: cannot be made a folder: {error.strerror}") from error
        write_json(self._list, wanted)

    def folder(self, topic: str) -> Path:
        """Of one camera's run."""
        return self._folders[topic]

    def write_bag(self, label_set: LabelSet, interruption: Interruption) -> int:
        """
        Copy the bag with the labels of all cameras, read from their folders.

        :return: 0, or 130 if interrupted; the next run writes it whole.
        """
        options, excerpt = self._task.options, Excerpt(self._task.options.start, self._task.options.end)
        names = {topic: LabelTopics.of_camera(topic) for topic in self._topics}
        frames = {topic: _Names(folder) for topic, folder in self._folders.items()}
        with BagDrive(Path(self._task.input), topic=self._topics[0], excerpt=excerpt) as drive:
            writer = LabelBagWriter(
                self._task.output / "bag",
                drive,
                label_set,
                only_labels=options.only_labels,
                replace=True,
                topics=list(names.values()),
            )
            for connection, timestamp, data in tqdm(drive.messages(), unit="message", disable=self._task.quiet):
                if interruption.wanted:
                    break
                if not options.only_labels:
                    writer.copy(connection, timestamp, data)
                topic = connection.topic
                message = self._image(drive, connection, data) if topic in frames else None
                name = None if message is None else frames[topic].take(message.header.stamp)
                if message is not None and name is not None:
                    labels = read_label_map(self._folders[topic] / "labels" / f"{name}.png")
                    painted = overlay(to_bgr(message), labels, label_set) if options.overlay else None
                    writer.write((message.header, timestamp), labels, painted, names[topic])
            writer.close()
        return 130 if interruption.wanted else 0

    @staticmethod
    def _image(drive: BagDrive, connection: Any, data: bytes) -> Any:
        """A camera's message, None if it cannot be read: then it has no labels either."""
        try:
            return drive.reader.deserialize(data, connection.msgtype)
        except Exception:  # of whatever garbage leads to; the camera's own run told it
            return None

    def _read(self) -> Any:
        try:
            return json.loads(self._list.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None


class _Names:
    """The names of a run's frames by their stamps; frames of the same stamp in their order."""

    def __init__(self, folder: Path) -> None:
        self._names: dict[int, deque[str]] = {}
        for record in read_frame_log(folder).values():
            self._names.setdefault(record.stamp_ns, deque()).append(record.name)

    def take(self, stamp: Any) -> str | None:
        """The next frame of this stamp; None if there is none, or no more."""
        names = self._names.get(stamp.sec * 1_000_000_000 + stamp.nanosec)
        return names.popleft() if names else None


def folder_name(topic: str) -> str:
    """A topic as a folder's name: `/front/image_raw` becomes `front_image_raw`."""
    return topic.strip("/").replace("/", "_")
