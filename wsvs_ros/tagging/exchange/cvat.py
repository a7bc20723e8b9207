"""CVAT's tags: `CVAT for images 1.1`, an XML that names the tags of each frame."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.exchange.imported import Imported, frame_rate
from wsvs_ros.tagging.session import TaggingSession

_Run = tuple[int, int, frozenset[str], str]  # first frame, frame behind the last, labels, group


def to_cvat(session: TaggingSession, drive: int) -> str:
    """
    The clips of a drive that are done, tag by tag on every frame.

    The number of the clip is the tags' group, so that neighbours with the same tags stay two.

    :raises EditError: if the drive's frames are not evenly spaced.
    """
    fps = frame_rate(session, drive)
    with session.lock:
        opened = session.drives[drive]
        done = [clip for clip in opened.clips if clip.touched and clip.state == "done"]
        width, height = opened.size
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    ElementTree.SubElement(task, "name").text = opened.name
    ElementTree.SubElement(task, "size").text = str(round(opened.duration * fps))
    labels = ElementTree.SubElement(task, "labels")
    for name in session.order:
        ElementTree.SubElement(ElementTree.SubElement(labels, "label"), "name").text = name
    for number, clip in enumerate(done, 1):
        for frame in _frames(clip, fps):
            name = f"frame_{frame:06d}"
            image = ElementTree.SubElement(
                root, "image", id=str(frame), name=name, width=str(width), height=str(height)
            )
            for tag in sorted(clip.tags, key=session.order.index):
                ElementTree.SubElement(image, "tag", label=tag, source="manual", group_id=str(number))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def from_cvat(session: TaggingSession, text: str, drive: int) -> Imported:
    """
    The clips of a drive: frames in a row that have the same tags.

    :raises EditError: if it is no such XML, or names no tags.
    """
    if "<!DOCTYPE" in text:
        raise EditError("an XML with a document type is not read")
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise EditError(f"no XML: {error}") from None
    fps = frame_rate(session, drive)
    found = Imported()
    for first, last, labels, _ in _runs(root):
        found.add(session, drive, first / fps, min(last / fps, session.drives[drive].duration), labels)
    return found.checked()


def _frames(clip: TagClip, fps: float) -> range:
    return range(round(clip.start * fps), max(round(clip.end * fps), round(clip.start * fps) + 1))


def _runs(root: ElementTree.Element) -> list[_Run]:
    images: dict[int, tuple[frozenset[str], str]] = {}
    for image in root.iter("image"):
        try:
            frame = int(image.get("id", ""))
        except ValueError:
            raise EditError(f"<image id={image.get('id')!r}>: the number of a frame is needed") from None
        tags = image.findall("tag")
        images[frame] = frozenset(tag.get("label", "") for tag in tags), tags[0].get("group_id", "") if tags else ""
    if root.tag != "annotations" or not any(labels for labels, _ in images.values()):
        raise EditError("no tags of frames in this XML; export the task as `CVAT for images 1.1`")
    step = _step(root)
    runs: list[_Run] = []
    for frame, (labels, group) in sorted(images.items()):
        if runs and (runs[-1][1], labels, group) == (frame, runs[-1][2], runs[-1][3]):
            runs[-1] = (runs[-1][0], frame + step, labels, group)
        elif labels:
            runs.append((frame, frame + step, labels, group))
    return runs


def _step(root: ElementTree.Element) -> int:
    """Of the drive's frames the task has every so many."""
    found = re.search(r"step\s*=\s*(\d+)", root.findtext(".//frame_filter") or "")
    return max(int(found[1]), 1) if found else 1
