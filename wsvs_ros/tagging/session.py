"""What is open for tagging, every change to it, and its way to the disk."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wsvs_ros.drives.tags import CLIP_STATES, TagError
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.tagging import edits
from wsvs_ros.tagging.clips import TagClip
from wsvs_ros.tagging.edits import Change, Edit, Tagging
from wsvs_ros.tagging.errors import ConflictError, EditError, SaveError
from wsvs_ros.tagging.history import History
from wsvs_ros.tagging.open_files import OpenFiles
from wsvs_ros.tagging.tag_file import TagFile
from wsvs_ros.tagging.tagged_drive import TaggedDrive


class TaggingSession:
    """
    The drives, their clips and the history of changes; safe to use from several threads.

    A change says which revision it was made for. If that is not the current one, another tab was faster; if the
    file on disk is not what was read or saved last, another program was. Either way the change is refused with a
    ConflictError, and the state is what the other one made it.

    :param label_set: the classes that can be ticked.
    :param kept: names of other tags that stay in the file as they are.
    :raises TagError: if a file of tags cannot be used.
    """

    def __init__(self, label_set: LabelSet, drives: Sequence[TaggedDrive], *, kept: Sequence[str] = ()) -> None:
        self.label_set = label_set
        self.drives = list(drives)
        self.order = [*label_set.names, *kept]
        self.revision = 0
        self.number = 0
        self.problem: str | None = None
        """Why nothing can be saved at the moment."""
        self.focus: tuple[int, float] = (0, 0.0)
        """Drive and time that somebody looks at."""
        self.lock = threading.RLock()
        self._history = History()
        self._files = OpenFiles(self.drives)
        for file in self._files:
            self._read(file)

    # what the page asks for

    def changes(self, since: int = -1) -> dict[str, Any]:
        """
        The state, or what became different since an earlier call.

        :param since: `number` of that call; the answer has `complete: true` where it is all there is.
        """
        with self.lock:
            self._watch()
            complete = since < self._history.complete_since or since > self.number
            if complete:
                since = -1
            return {
                "complete": complete,
                "number": self.number,
                "revision": self.revision,
                "problem": self.problem,
                **self._counts(),
                "drives": [
                    {
                        "name": drive.name,
                        "duration": drive.duration,
                        "cut_until": drive.cut_until,
                        "clips": [
                            clip.to_json(self.order) for clip in drive.clips if drive.seen.get(clip.id, 0) > since
                        ],
                        "removed": self._history.removed(index, since),
                    }
                    for index, drive in enumerate(self.drives)
                ],
            }

    # what people do

    def tag(self, revision: int, taggings: Sequence[Tagging]) -> dict[str, Any]:
        """
        Say what clips show; several are one change.

        :raises EditError: if there is no such clip, class or state.
        :raises ConflictError: if the revision is old or the file was changed outside.
        :raises SaveError: if the file cannot be written.
        """
        with self.lock:
            self._check(revision)
            clips = {(k, clip.id): clip for k in {one.drive for one in taggings} for clip in self._clips(k)}
            changes: dict[int, list[tuple[TagClip, TagClip]]] = {}
            for one in taggings:
                old = clips.get((one.drive, one.clip))
                if old is None:
                    raise EditError(f"no clip {one.clip} in drive {one.drive}")
                unknown = sorted(set(one.tags) - set(self.order))
                if unknown or one.state not in CLIP_STATES:
                    raise EditError(f"no class {unknown[0]!r}" if unknown else f"no state {one.state!r}")
                new = edits.retag(old, one.tags, one.state, self.label_set.names)
                changes.setdefault(one.drive, []).append((old, new))
            if not changes:
                raise EditError("clips: none are named")
            pairs = {drive: tuple(zip(*found, strict=True)) for drive, found in changes.items()}
            return self._do(Edit(tuple(Change(drive, before, after) for drive, (before, after) in pairs.items())))

    def split(self, revision: int, drive: int, clip: int, at: float) -> dict[str, Any]:
        """
        Cut a clip in two that show what it showed; both are open again.

        :param at: seconds of the drive.
        """
        with self.lock:
            old = self._clip(revision, drive, clip)
            return self._do(Edit.of(drive, [old], edits.split(self.drives[drive], old, at)))

    def merge(self, revision: int, drive: int, clip: int, last: int | None = None) -> dict[str, Any]:
        """
        Join a clip with those that follow; the new one shows what any of them showed, and is open again.

        :param last: the last one that belongs to it; the next clip if None.
        """
        with self.lock:
            first = self._clip(revision, drive, clip)
            end = self.drives[drive].neighbour(first) if last is None else self._clip(revision, drive, last)
            if end is None or end.start < first.end - 1e-6:
                raise EditError("there is no next clip to merge with")
            joined = [one for one in self.drives[drive].clips if first.start <= one.start <= end.start]
            return self._do(Edit.of(drive, joined, [edits.merge(self.drives[drive], joined)]))

    def replace_all(self, revision: int, clips: Mapping[int, Sequence[TagClip]]) -> dict[str, Any]:
        """
        Put other clips in the place of all, e.g. of an imported table: of every drive or, if one cannot be saved, of
        none. One undo takes them all back.

        :param clips: by drive.
        """
        with self.lock:
            self._check(revision)
            return self._do(
                Edit(tuple(Change(drive, tuple(self.drives[drive].clips), tuple(new)) for drive, new in clips.items()))
            )

    def undo(self, revision: int) -> dict[str, Any]:
        """Take the last change back."""
        return self._step(revision, self._history.undo, self._history.redo, "nothing to undo")

    def redo(self, revision: int) -> dict[str, Any]:
        """Make the change again that was taken back last."""
        return self._step(revision, self._history.redo, self._history.undo, "nothing to redo")

    # what the machine does

    def cut(self, drive: int, pieces: Sequence[tuple[float, float]], until: float) -> None:
        """Make clips of scenes that were found."""
        with self.lock:
            self.number += 1
            self.drives[drive].cut(pieces, until, self.number)

    def suggest(self, drive: int, clip: int, scores: Mapping[str, float]) -> None:
        """Note what a model sees in a clip."""
        with self.lock:
            self.number += 1
            self.drives[drive].suggest(clip, scores, self.number)

    def wanting_suggestions(self) -> tuple[int, TagClip] | None:
        """The clip that is to be looked at next: the first one without suggestions from where somebody is."""
        with self.lock:
            at, seconds = self.focus
            for index in [*range(at, len(self.drives)), *range(at)]:
                for clip in self.drives[index].clips:
                    if clip.suggested is None and (index != at or clip.end > seconds):
                        return index, clip
            clips = self.drives[at].clips if self.drives else []
            return next(((at, clip) for clip in clips if clip.suggested is None), None)

    # the way to the disk

    def _clip(self, revision: int, drive: int, clip: int) -> TagClip:
        self._check(revision)
        found = self.drives[drive].find(clip) if 0 <= drive < len(self.drives) else None
        if found is None:
            raise EditError(f"no clip {clip} in drive {drive}")
        return found

    def _clips(self, drive: int) -> Sequence[TagClip]:
        return self.drives[drive].clips if 0 <= drive < len(self.drives) else ()

    def _check(self, revision: int) -> None:
        self._watch()
        if self.problem:
            raise SaveError(self.problem)
        if revision != self.revision:
            raise ConflictError("the tags were changed in the meantime, in another tab or outside; look again")

    def _watch(self) -> None:
        """Take over what others wrote to the files; a file that cannot be read stops every change."""
        self.problem = None
        for file in self._files:
            if file.changed():
                try:
                    self._read(file)
                except (TagError, OSError) as error:
                    self.problem = f"nothing is saved until this is mended: {error}"

    def _read(self, file: TagFile) -> None:
        loaded = self._files.load(file)
        self.number += 1
        self.revision += 1
        self._history.clear(self.number)
        for drive, saved, suggested in loaded:
            drive.adopt(saved, suggested, self.number)

    def _do(self, edit: Edit) -> dict[str, Any]:
        answer = self._apply(edit)
        self._history.add(edit)
        return {**answer, **self._counts()}

    def _step(self, revision: int, stack: list[Edit], other: list[Edit], otherwise: str) -> dict[str, Any]:
        with self.lock:
            self._check(revision)
            if not stack:
                raise EditError(otherwise)
            edit = stack[-1]
            answer = self._apply(edit.inverse)
            stack.pop()
            other.append(edit.inverse)
            return {**answer, **self._counts()}

    def _counts(self) -> dict[str, int]:
        return {"undo": len(self._history.undo), "redo": len(self._history.redo)}

    def _apply(self, edit: Edit) -> dict[str, Any]:
        """Change, save, and change everything back if a file cannot be saved."""
        drives = [self.drives[change.drive] for change in edit.changes]
        earlier = [(list(drive.clips), dict(drive.seen)) for drive in drives]
        self.number += 1
        gone = [self._put(change) for change in edit.changes]
        try:
            self._files.save_all(list(dict.fromkeys(drive.file for drive in drives)))
        except (SaveError, ConflictError):
            for drive, (clips, seen) in zip(drives, earlier, strict=True):
                drive.clips, drive.seen = clips, seen
            self._files.take_back()
            raise
        self.revision += 1
        for change, removed in zip(edit.changes, gone, strict=True):
            self._history.note_removed(self.number, change.drive, removed, {clip.id for clip in change.after})
        first = edit.changes[0]
        clip = first.after[0].id if first.after else None
        return {"revision": self.revision, "number": self.number, "drive": first.drive, "clip": clip}

    def _put(self, change: Change) -> set[int]:
        """Change a drive; what a model suggested in the meantime does not get lost."""
        drive = self.drives[change.drive]
        suggested = {clip.id: clip.suggested for clip in drive.clips}
        after = [replace(clip, suggested=clip.suggested or suggested.get(clip.id)) for clip in change.after]
        return drive.put(change.before, after, self.number)
