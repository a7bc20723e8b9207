"""Tags as CSV: drive, start, end, state, tags."""

from __future__ import annotations

import csv
import io
import itertools
import math

from wsvs_ros.drives.tags import CLIP_STATES
from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.errors import EditError
from wsvs_ros.tagging.session import TaggingSession

COLUMNS = ("drive", "start", "end", "state", "tags")
_BETWEEN = ";"


def to_csv(session: TaggingSession) -> str:
    """Every clip that somebody touched; tags are separated by semicolons, times are seconds."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    with session.lock:
        for drive in session.drives:
            for clip in drive.touched():
                tags = _BETWEEN.join(sorted(clip.tags, key=session.order.index))
                writer.writerow([drive.name, f"{clip.start:.3f}", f"{clip.end:.3f}", clip.state, tags])
    return text.getvalue()


def from_csv(session: TaggingSession, text: str) -> dict[int, list[TagClip]]:
    """
    The clips of a table, by drive, for `TaggingSession.replace_all`.

    :param text: `drive` may be missing where one drive is open, `state` is `done` where it is missing.
    :raises EditError: naming the line and what is wrong with it.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = {"start", "end", "tags"} - set(rows.fieldnames or ())
    if missing:
        raise EditError(f"the first line has to name the columns {', '.join(COLUMNS)}; {sorted(missing)[0]} is missing")
    names = [drive.name for drive in session.drives]
    clips: dict[int, list[TagClip]] = {}
    try:
        for row in rows:
            index, clip = _clip(session, names, row, f"line {rows.line_num}")
            clips.setdefault(index, []).append(clip)
    except csv.Error as error:
        raise EditError(f"line {rows.line_num}: {error}") from None
    if not clips:
        raise EditError("the table has no clips; nothing was changed")
    for drive in clips.values():
        drive.sort(key=lambda clip: clip.start)
        for one, other in itertools.pairwise(drive):
            if other.start < one.end - 1e-6:
                raise EditError(f"the clips from {one.start:g} s and from {other.start:g} s overlap")
    return clips


def _clip(session: TaggingSession, names: list[str], row: dict[str, str | None], where: str) -> tuple[int, TagClip]:
    name = row.get("drive") or (names[0] if len(names) == 1 else "")
    if name not in names:
        raise EditError(f"{where}: no drive {name!r} is open; there are: {', '.join(names)}")
    index = names.index(name)
    drive = session.drives[index]
    try:
        start, end = round(float(row["start"] or ""), 3), round(float(row["end"] or ""), 3)
    except ValueError:
        start = end = math.nan
    if not 0 <= start < end <= drive.duration + 0.5:
        raise EditError(
            f"{where}: from {row['start']} to {row['end']}; 0 <= start < end <= {drive.duration:g} is needed"
        )
    state = row.get("state") or "done"
    if state not in CLIP_STATES:
        raise EditError(f"{where}: state {state!r}; {', '.join(CLIP_STATES)} are possible")
    tags = [tag.strip() for tag in (row["tags"] or "").split(_BETWEEN) if tag.strip()]
    unknown = sorted(set(tags) - set(session.order))
    if unknown:
        raise EditError(f"{where}: unknown class {unknown[0]!r}; there are: {', '.join(session.order)}")
    return index, drive.new(start=start, end=end, tags=frozenset(tags), state=state, touched=True)
