"""`frames.csv`: a line for each segmented frame, so that its stamp and its latency are known afterwards."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from wsvs_ros.drives.drive import DriveError
from wsvs_ros.files import replace_file, writing

FRAMES = "frames.csv"
_COLUMNS = ["name", "stamp_ns", "frame_id", "latency_ms"]


@dataclass(frozen=True)
class FrameRecord:
    """
    One frame that was segmented.

    :param latency_ms: from the frame to its label map, milliseconds; None where it is not known.
    """

    name: str
    stamp_ns: int
    frame_id: str = ""
    latency_ms: float | None = None


class FrameLog:
    """
    Writes `frames.csv` line by line, so that it is whole at any time.

    :param earlier: frames of an interrupted run, which stay.
    :raises DriveError: if it cannot be written.
    """

    def __init__(self, folder: Path, earlier: Iterable[FrameRecord] = ()) -> None:
        self._path = folder / FRAMES
        text = io.StringIO(newline="")
        csv.writer(text).writerows([_COLUMNS, *map(_row, earlier)])
        with writing(self._path, DriveError):
            replace_file(self._path, text.getvalue())
            self._file: TextIO = self._path.open("a", newline="", encoding="utf-8", buffering=1)

    def write(self, record: FrameRecord) -> None:
        """Append a frame."""
        with writing(self._path, DriveError):
            csv.writer(self._file).writerow(_row(record))

    def close(self) -> None:
        """Close the file; a line that the disk has no room for was reported when it was written."""
        with writing(self._path, DriveError):
            self._file.close()


def read_frame_log(folder: Path) -> dict[str, FrameRecord]:
    """
    The frames of an earlier run by name, in their order; empty where there is no `frames.csv`.

    A last line that broke off is left out.
    """
    path = folder / FRAMES
    if not path.is_file():
        return {}
    found = {}
    with open(path, newline="", encoding="utf-8", errors="replace") as file:
        try:
            for row in csv.DictReader(line for line in file if line.endswith("\n")):
                record = _record(row)
                if record is not None:
                    found[record.name] = record
        except csv.Error:  # rubbish; what came before it stands
            pass
    return found


def _row(record: FrameRecord) -> tuple[str, int, str, str]:
    latency = "" if record.latency_ms is None else f"{record.latency_ms:.3f}"
    return record.name, record.stamp_ns, record.frame_id, latency


def _record(row: dict[str, str]) -> FrameRecord | None:
    try:
        latency = float(row["latency_ms"]) if row["latency_ms"] else None
        return FrameRecord(row["name"], int(row["stamp_ns"]), row["frame_id"] or "", latency)
    except (KeyError, TypeError, ValueError):
        return None
