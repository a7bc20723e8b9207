"""The cameras of multi_camera.launch.py, from a YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wsvs_ros.errors import WsvsError
from wsvs_ros.topic_names import camera_info_topic


class CameraListError(WsvsError):
    """A list of cameras cannot be read, or says what it should not."""


@dataclass(frozen=True)
class Camera:
    """
    One camera of a list.

    :param name: the namespace of its node.
    :param image: its topic.
    :param camera_info: its CameraInfo topic; the image's sibling when empty.
    :param parameters: of its node alone.
    """

    name: str
    image: str
    camera_info: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.camera_info:
            object.__setattr__(self, "camera_info", camera_info_topic(self.image))


def read_cameras(path: Path) -> list[Camera]:
    """
    The cameras that a file lists under `cameras`: name, image and, at will, camera_info and parameters.

    :raises CameraListError: naming the file, the camera and what is expected.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise CameraListError(f"{path}: the list of cameras cannot be read: {reason}") from None
    listed = content.get("cameras") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise CameraListError(f"{path}: expected a key `cameras` with a list of at least one camera")
    cameras = [_camera(f"{path}: camera {number}", entry) for number, entry in enumerate(listed, start=1)]
    names = [camera.name for camera in cameras]
    if len(set(names)) != len(names):
        raise CameraListError(f"{path}: two cameras have the same name: {', '.join(names)}")
    return cameras


def _camera(where: str, entry: Any) -> Camera:
    known = {"name", "image", "camera_info", "parameters"}
    if not isinstance(entry, dict) or not {"name", "image"} <= set(entry) <= known:
        raise CameraListError(f"{where}: got {entry!r}, expected name, image and, at will, camera_info and parameters")
    for key in ("name", "image", "camera_info"):
        if not isinstance(entry.get(key, ""), str):
            raise CameraListError(f"{where}: {key}: got {entry[key]!r}, expected a text")
    if not isinstance(entry.get("parameters", {}), dict):
        raise CameraListError(f"{where}: parameters: got {entry['parameters']!r}, expected names and values")
    return Camera(**entry)
