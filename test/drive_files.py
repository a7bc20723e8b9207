"""Recorded drives for tests: real video files, folders and bags, small."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE = "sensor_msgs/msg/Image"


def frames(count: int, size: tuple[int, int] = (96, 72)) -> list[np.ndarray]:
    """Distinct pictures: a texture that slides by two pixels a frame."""
    width, height = size
    texture = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4 + count, 3), dtype=np.uint8)
    texture = cv2.resize(texture, (4 * (width // 4 + count), height), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(texture[:, 2 * k : 2 * k + width]) for k in range(count)]


def make_video(path: Path, count: int = 10, *, fps: float = 20.0, codec: str = "mp4v") -> Path:
    """A video file."""
    pictures = frames(count)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, pictures[0].shape[1::-1])
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def make_folder(path: Path, count: int = 10) -> Path:
    """A folder of PNGs named 0.png to N.png."""
    path.mkdir(parents=True)
    for index, picture in enumerate(frames(count)):
        cv2.imwrite(str(path / f"{index}.png"), picture)
    return path


def image_message(picture: np.ndarray, index: int, *, encoding: str = "bgr8", fps: float = 10.0) -> object:
    """An Image whose stamp is 100 s + index / fps."""
    types = STORE.types
    sec, nanosec = divmod(round(index / fps * 1e9), 1_000_000_000)
    stamp = types["builtin_interfaces/msg/Time"](sec=100 + sec, nanosec=nanosec)
    return types[IMAGE](
        header=types["std_msgs/msg/Header"](stamp=stamp, frame_id="front"),
        height=picture.shape[0],
        width=picture.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=picture.shape[1] * 3,
        data=picture.reshape(-1),
    )


def make_bag(
    path: Path,
    count: int = 10,
    *,
    storage: str = "sqlite3",
    topics: tuple[str, ...] = ("/camera/image_raw",),
    odd: int | None = None,
    text: bool = True,
    only: range | None = None,
    header_fps: float = 10.0,
) -> Path:
    """
    A rosbag2 with image topics and one of texts, recorded at 10 Hz.

    :param odd: the message that has an unknown encoding.
    :param only: the frames that were recorded.
    :param header_fps: what the headers' stamps count.
    """
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    with Writer(path, version=9, storage_plugin=plugin) as bag:
        images = [bag.add_connection(topic, IMAGE, typestore=STORE) for topic in topics]
        words = bag.add_connection("/chatter", "std_msgs/msg/String", typestore=STORE) if text else None
        for index, picture in enumerate(frames(count)):
            if only is not None and index not in only:
                continue
            stamp = 100_000_000_000 + index * 100_000_000
            for connection in images:
                message = image_message(picture, index, encoding="odd32" if index == odd else "bgr8", fps=header_fps)
                bag.write(connection, stamp, STORE.serialize_cdr(message, IMAGE))
            if words is not None:
                said = STORE.types["std_msgs/msg/String"](data=f"word {index}")
                bag.write(words, stamp + 1, STORE.serialize_cdr(said, "std_msgs/msg/String"))
    return path


def make_old_bag(path: Path, count: int, *, storage: str) -> Path:
    """A bag as Humble writes it, with a topic of a vendor's own type: no type hashes, in sqlite3 no definitions."""
    kind, store = "vendor_msgs/msg/Wheel", get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg("int32 ticks\n", kind))
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    with Writer(path, version=8, storage_plugin=plugin) as bag:
        camera = bag.add_connection("/camera/image_raw", IMAGE, typestore=store)
        wheel = bag.add_connection("/wheel", kind, typestore=store)
        for index, picture in enumerate(frames(count)):
            bag.write(camera, index, STORE.serialize_cdr(image_message(picture, index), IMAGE))
            bag.write(wheel, index, store.serialize_cdr(store.types[kind](ticks=index), kind))
    metadata = path / "metadata.yaml"
    metadata.write_text(re.sub(r"type_description_hash:\s+\S+", "type_description_hash: ''", metadata.read_text()))
    if storage == "sqlite3":
        with closing(sqlite3.connect(next(path.glob("*.db3")))) as database:
            database.executescript(
                "DROP TABLE message_definitions; UPDATE schema SET schema_version = 3;"
                "ALTER TABLE topics DROP COLUMN type_description_hash;"
            )
    return path
