"""Which topics of a recorded bag a replay plays into the node."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from wsvs_ros.errors import WsvsError
from wsvs_ros.topic_names import camera_info_topic

_KINDS = {"sensor_msgs/msg/Image": False, "sensor_msgs/msg/CompressedImage": True}


class ReplayTopics(NamedTuple):
    """
    What is played.

    :param compressed: whether the node is to subscribe to `<image>/compressed`.
    :param played: the topics, the image's first.
    """

    compressed: bool
    played: list[str]


def replay_topics(bag: Path, image: str, *, compressed: bool | None = None) -> ReplayTopics:
    """
    The image topic of a bag, as the bag has it, and the camera's CameraInfo.

    :param image: the camera's topic, without `/compressed`.
    :param compressed: which of the two is wanted; None for the one that was recorded, raw if both were.
    :raises WsvsError: if the bag has no such topic; the message names the image topics that it has.
    """
    recorded = _recorded(bag)
    info = camera_info_topic(image)
    if recorded is None:  # a file without metadata beside it: only playing it tells
        chosen = bool(compressed)
        return ReplayTopics(chosen, [_image_topic(image, compressed=chosen), info])
    for choice in (False, True) if compressed is None else (compressed,):
        topic = _image_topic(image, compressed=choice)
        if _KINDS.get(recorded.get(topic, "")) is choice:
            return ReplayTopics(choice, [topic, *([info] if info in recorded else [])])
    wanted = image if compressed is None else _image_topic(image, compressed=compressed)
    images = ", ".join(sorted(name for name, kind in recorded.items() if kind in _KINDS)) or "none"
    raise WsvsError(f"image:={image}: {bag} has no images on {wanted}; its image topics: {images}")


def _image_topic(image: str, *, compressed: bool) -> str:
    return f"{image}/compressed" if compressed else image


def _recorded(bag: Path) -> dict[str, str] | None:
    """A bag's topics with their types, None where no metadata tells."""
    path = bag / "metadata.yaml"
    if not path.is_file():
        return None
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        topics = content["rosbag2_bagfile_information"]["topics_with_message_count"]
        return {item["topic_metadata"]["name"]: item["topic_metadata"]["type"] for item in topics}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise WsvsError(f"{path}: cannot be read as a bag's metadata ({error!r}); ros2 bag reindex {bag}") from None
