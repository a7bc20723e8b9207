"""How a camera's topics are called beside each other."""

from __future__ import annotations


def camera_info_topic(image: str) -> str:
    """
    The CameraInfo topic of an image topic: its sibling, as image_transport has it.

    >>> camera_info_topic("/front/image_raw"), camera_info_topic("image_raw"), camera_info_topic("/image_raw")
    ('/front/camera_info', 'camera_info', '/camera_info')
    """
    parent, slash, _ = image.rpartition("/")
    return f"{parent}{slash}camera_info"
