"""What was tagged so far, and what training can learn from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from wsvs_ros.tagging.clips import disagreement
from wsvs_ros.tagging.session import TaggingSession

_NEARLY = 0.95  # share of the clips from which a class tells them hardly apart
_ENOUGH = 5  # clips below which nothing is said about shares


def summarise(session: TaggingSession) -> dict[str, Any]:
    """
    Count hours, clips and classes.

    :return: plain data; `cooccurrence[i][j]` is the number of clips that show both classes, and `warnings` says of
        which classes tags teach little and what to do about it.
    """
    names = session.label_set.names
    with session.lock:
        clips = [clip for drive in session.drives for clip in drive.clips]
        hours = sum(drive.duration for drive in session.drives) / 3600
    done = [clip for clip in clips if clip.state == "done"]
    shown = np.array([[name in clip.tags for name in names] for clip in done], np.int64).reshape(-1, len(names))
    cooccurrence = shown.T @ shown
    counts = cooccurrence.diagonal()
    return {
        "hours": hours,
        "hours_done": sum(clip.seconds for clip in done) / 3600,
        "clips": len(clips),
        "done": len(done),
        "unsure": sum(clip.state == "unsure" for clip in clips),
        "classes": list(names),
        "counts": counts.tolist(),
        "cooccurrence": cooccurrence.tolist(),
        "warnings": _warnings(names, counts, len(done)),
    }


def review_order(session: TaggingSession) -> list[tuple[int, int, float]]:
    """Clips that were tagged, as (drive, clip, disagreement), those first where the suggestions lay off most."""
    with session.lock:
        found = [
            (index, clip.id, far)
            for index, drive in enumerate(session.drives)
            for clip in drive.clips
            if (far := disagreement(clip)) is not None
        ]
    return sorted(found, key=lambda item: -item[2])


def _warnings(names: tuple[str, ...], counts: np.ndarray, done: int) -> list[str]:
    if done < _ENOUGH:
        return [f"{done} clips are tagged; from {_ENOUGH} on this page says which classes need more."]
    found = []
    for name, count in zip(names, counts, strict=True):
        if count == 0:
            found.append(
                f"{name}: in none of {done} clips, so tags teach nothing about it. Tag drives that show it, or add "
                f"100 or more iconic images of it (pictures that show mainly {name}); else leave it out of the set."
            )
        elif count >= _NEARLY * done:
            found.append(
                f"{name}: in {count} of {done} clips. Tags that are always there do not say where it is. Add 200 or "
                f"more iconic images (pictures that show mainly that), and some clips without it."
            )
    return found
