"""Which formats there are, and which one a file has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wsvs_ros.tagging.exchange.cvat import from_cvat, to_cvat
from wsvs_ros.tagging.exchange.fiftyone import from_fiftyone, to_fiftyone
from wsvs_ros.tagging.exchange.imported import Imported
from wsvs_ros.tagging.exchange.tables import from_csv, to_csv
from wsvs_ros.tagging.session import TaggingSession


@dataclass(frozen=True)
class Format:
    """
    A kind of file that tags are exported to.

    :param each: a file for each drive; else one for all.
    :param frames: it counts frames, which only folders and videos have evenly.
    :param write: makes it, of a session and the number of a drive.
    """

    title: str
    file: str
    media_type: str
    note: str
    write: Callable[[TaggingSession, int], str]
    each: bool = False
    frames: bool = False


FORMATS = {
    "csv": Format(
        "CSV",
        "tags.csv",
        "text/csv",
        "drive, start, end, state, tags; seconds, tags separated by semicolons",
        lambda session, _: to_csv(session),
    ),
    "cvat": Format(
        "CVAT",
        "cvat.xml",
        "application/xml",
        "CVAT for images 1.1: tags of frames, of clips that are done; a file for each drive",
        to_cvat,
        each=True,
        frames=True,
    ),
    "fiftyone": Format(
        "FiftyOne",
        "labels.json",
        "application/json",
        "labels.json of a FiftyOneTemporalDetectionDataset, of clips that are done",
        lambda session, _: to_fiftyone(session),
    ),
}


def read_tags(session: TaggingSession, text: str, drive: int) -> Imported:
    """
    The clips of an exported file, whose format its first character tells.

    :param drive: which one is meant where the file does not say.
    :raises EditError: naming what is wrong with the file.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("<"):
        return from_cvat(session, text, drive)
    if text.lstrip().startswith("{"):
        return from_fiftyone(session, text)
    return Imported(from_csv(session, text))
