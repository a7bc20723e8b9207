"""The topics that segmenting adds to a bag, and their messages: those that the live node publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from rosbags.typesys import get_types_from_msg
from rosbags.typesys.store import Typestore

from wsvs_ros.perception.labels import LabelSet

IMAGE, COMPRESSED, LABEL_INFO = (
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "vision_msgs/msg/LabelInfo",
)
_VISION = {  # which `rosbags` does not bring
    "vision_msgs/msg/VisionClass": "uint16 class_id\nstring class_name\n",
    LABEL_INFO: "std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold\n",
}
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class LabelTopics:
    """
    Names of the topics of one camera's labels.

    :param prefix: `/segmentation`, and where several cameras were segmented the camera's topic behind it.
    """

    prefix: str = "/segmentation"

    @classmethod
    def of_camera(cls, topic: str) -> LabelTopics:
        """One camera's of several."""
        return cls(f"/segmentation{topic}")

    @property
    def label(self) -> str:
        """Class ids, mono8."""
        return f"{self.prefix}/label"

    @property
    def label_info(self) -> str:
        """What the ids mean, once."""
        return f"{self.prefix}/label_info"

    @property
    def overlay(self) -> str:
        """The classes painted over the camera's images, JPEG."""
        return f"{self.prefix}/overlay/compressed"

    @property
    def all(self) -> tuple[str, ...]:
        """Every one."""
        return self.label, self.label_info, self.overlay


def register_vision(store: Typestore) -> None:
    """Let a store know the types of `vision_msgs` that are written."""
    for name, text in _VISION.items():
        if name not in store.fielddefs:
            store.register(get_types_from_msg(text, name))


def label_message(store: Typestore, header: Any, labels: np.ndarray) -> bytes:
    """(H, W) uint8 ids as an Image in CDR, with the header of the camera's image."""
    message = store.types[IMAGE](
        header=_header(store, header),
        height=labels.shape[0],
        width=labels.shape[1],
        encoding="mono8",
        is_bigendian=0,
        step=labels.shape[1],
        data=np.ascontiguousarray(labels).reshape(-1),
    )
    return bytes(store.serialize_cdr(message, IMAGE))


def overlay_message(store: Typestore, header: Any, picture: np.ndarray) -> bytes:
    """(H, W, 3) uint8 BGR as a CompressedImage in CDR."""
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].reshape(-1)
    message = store.types[COMPRESSED](header=_header(store, header), format="bgr8; jpeg compressed bgr8", data=data)
    return bytes(store.serialize_cdr(message, COMPRESSED))


def label_info_message(store: Typestore, header: Any, label_set: LabelSet) -> bytes:
    """The classes as a LabelInfo in CDR."""
    kind = store.types["vision_msgs/msg/VisionClass"]
    classes = [kind(class_id=index, class_name=name) for index, name in enumerate(label_set.names)]
    message = store.types[LABEL_INFO](header=_header(store, header), class_map=classes, threshold=0.0)
    return bytes(store.serialize_cdr(message, LABEL_INFO))


def _header(store: Typestore, header: Any) -> Any:
    types = store.types
    stamp = types["builtin_interfaces/msg/Time"](sec=header.stamp.sec, nanosec=header.stamp.nanosec)
    return types["std_msgs/msg/Header"](stamp=stamp, frame_id=header.frame_id)
