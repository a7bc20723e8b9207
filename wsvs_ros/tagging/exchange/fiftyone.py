"""FiftyOne's temporal detections: the `labels.json` of a `FiftyOneTemporalDetectionDataset`."""

from __future__ import annotations

import itertools
import json
from typing import Any

from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.exchange.imported import Imported, by_stem, drive_named, frame_rate
from wsvs_ros.tagging.session import TaggingSession

_Span = tuple[float, float, str]  # seconds, label


def to_fiftyone(session: TaggingSession) -> str:
    """
    The clips that are done, of all drives: each tag a detection with its seconds.

    A drive goes by its file's name without suffix, as FiftyOne's `data/` has it.
    """
    names = {index: name for name, index in by_stem(session).items()}
    with session.lock:
        labels = {
            names.get(index, drive.name): [
                {"label": session.order.index(tag), "timestamps": [clip.start, clip.end]}
                for clip in drive.clips
                if clip.touched and clip.state == "done"
                for tag in sorted(clip.tags, key=session.order.index)
            ]
            for index, drive in enumerate(session.drives)
        }
    return json.dumps({"classes": session.order, "labels": labels}, ensure_ascii=False, indent=1) + "\n"


def from_fiftyone(session: TaggingSession, text: str) -> Imported:
    """
    The clips of the drives: stretches in which no detection begins or ends.

    :raises EditError: naming the video and what is wrong with it.
    """
    try:
        content = json.loads(text)
        classes, videos = content.get("classes"), dict(content["labels"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise EditError("no labels.json of FiftyOne: an object with `labels` is needed") from None
    stems = by_stem(session)
    found = Imported()
    for name, detections in videos.items():
        drive = drive_named(session, str(name), stems=stems)
        spans = [_span(session, drive, entry, classes, str(name)) for entry in detections or []]
        edges = sorted({round(edge, 3) for start, end, _ in spans for edge in (start, end)})
        for start, end in itertools.pairwise(edges):
            middle = (start + end) / 2
            found.add(session, drive, start, end, {label for one, other, label in spans if one <= middle < other})
    return found.checked()


def _span(session: TaggingSession, drive: int, entry: Any, classes: Any, where: str) -> _Span:
    try:
        label = entry["label"]
        if classes is not None and isinstance(label, int):
            label = classes[label]
        if "timestamps" in entry:
            start, end = map(float, entry["timestamps"])
        else:
            first, last = map(int, entry["support"])  # frames count from 1, and the last one belongs to it
            fps = frame_rate(session, drive)
            start, end = (first - 1) / fps, min(last / fps, session.drives[drive].duration)
    except (KeyError, TypeError, ValueError, IndexError):
        raise EditError(f"{where}: `label` and `timestamps` or `support` are needed, got {str(entry)[:60]}") from None
    return start, end, str(label)
