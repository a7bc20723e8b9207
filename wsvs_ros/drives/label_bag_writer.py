"""A recorded bag with the labels of its images added."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.convert.converter import migrate_bytes
from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.typesys import get_types_from_msg

from wsvs_ros.drives.bag_writer import BagWriter
from wsvs_ros.drives.bags import BagDrive
from wsvs_ros.drives.drive import DriveError
from wsvs_ros.drives.label_topics import (
    COMPRESSED,
    IMAGE,
    LABEL_INFO,
    LabelTopics,
    label_info_message,
    label_message,
    overlay_message,
    register_vision,
)
from wsvs_ros.drives.recovery_sqlite import means_something_in_a_uri
from wsvs_ros.perception.labels import LabelSet

_FOREVER = QosTime(0x7FFF_FFFF, 0xFFFF_FFFF)
_LATCHED = Qos(
    QosHistory.KEEP_LAST,
    1,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    _FOREVER,
    _FOREVER,
    QosLiveliness.AUTOMATIC,
    _FOREVER,
    False,
)


class LabelBagWriter:
    """
    A copy of a bag with the topics of the labels added; messages are copied as the drive reads them, by its `tap`.

    :param path: the new bag's folder.
    :param drive: the bag that is read.
    :param label_set: of the labels.
    :param only_labels: leave out everything else.
    :param replace: an earlier bag there is replaced when this one is finished.
    :param topics: of each camera whose labels are added.
    :raises DriveError: if the path exists, or the bag has a topic of the labels' names.
    """

    def __init__(
        self,
        path: Path,
        drive: BagDrive,
        label_set: LabelSet,
        *,
        only_labels: bool = False,
        replace: bool = False,
        topics: Sequence[LabelTopics] = (LabelTopics(),),
    ) -> None:
        taken = {connection.topic for connection in drive.reader.connections}
        if not only_labels and (clash := next((name for one in topics for name in one.all if name in taken), None)):
            raise DriveError(f"{drive.path}: has a topic {clash} already; use --only-labels")
        mcap = drive.path.suffix == ".mcap" or any(drive.path.glob("*.mcap*"))
        mcap = mcap or means_something_in_a_uri(path)
        self._bag = BagWriter(path, storage="mcap" if mcap else "sqlite3", replace=replace)
        register_vision(self._bag.typestore)
        self._label_set = label_set
        self._introduced: set[LabelTopics] = set()
        self._types = drive.reader.typestore
        self._ros1 = not drive.reader.is2
        self._told: dict[str, object] = {}
        self._refused, self._left_out = drive.refused, set[str]()
        if not only_labels:
            drive.tap = self.copy

    def copy(self, connection: Connection, timestamp: int, data: bytes) -> None:
        """
        Append a message of the bag that is read; one of ROS 1 in ROS 2's wire format.

        What a damaged bag has of a topic whose type cannot be understood is left out, and the drive says so.
        """
        try:
            self._copy(connection, timestamp, data)
        except DriveError:
            raise
        except Exception as error:  # of types and messages that are garbage; they share no base class
            if connection.topic not in self._left_out:
                self._left_out.add(connection.topic)
                self._refused.append(f"{connection.topic} is not copied whole: {error}")

    def _copy(self, connection: Connection, timestamp: int, data: bytes) -> None:
        if not self._ros1:
            self._bag.copy(connection, timestamp, data, self._types)
            return
        kind, types = connection.msgtype, self._bag.typestore
        if kind not in types.fielddefs:  # a vendor's; what it is made of is known already, or is in the same text
            found = get_types_from_msg(self._types.generate_msgdef(kind, ros_version=2)[0], kind)
            types.register({name: fields for name, fields in found.items() if name not in types.fielddefs})
        converted = migrate_bytes(self._types, types, kind, kind, self._told, data, src_is2=False, dst_is2=True)
        self._bag.write(connection.topic, kind, timestamp, converted)

    def write(
        self,
        source: Any,
        labels: np.ndarray,
        overlay: np.ndarray | None = None,
        topics: LabelTopics = LabelTopics(),
    ) -> None:
        """
        Append a label image with the header of its camera image; before the first one, what the ids mean.

        :param source: the frame's (header, timestamp in the bag).
        :param labels: (H, W) uint8.
        :param overlay: (H, W, 3) uint8 BGR, painted with the labels.
        """
        header, timestamp = source
        store = self._bag.typestore
        if topics not in self._introduced:
            self._introduced.add(topics)
            info = label_info_message(store, header, self._label_set)
            self._bag.write(topics.label_info, LABEL_INFO, timestamp, info, qos=[_LATCHED])
        self._bag.write(topics.label, IMAGE, timestamp, label_message(store, header, labels))
        if overlay is not None:
            self._bag.write(topics.overlay, COMPRESSED, timestamp, overlay_message(store, header, overlay))

    def close(self) -> None:
        """Finish the bag."""
        self._bag.close()
