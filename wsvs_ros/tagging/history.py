"""The history of changes."""

from __future__ import annotations

from wsvs_ros.tagging.edits import Edit

_UNDO = 10_000  # changes that can be taken back


class History:
    """What can be taken back and made again, and which clips are gone since which change."""

    def __init__(self) -> None:
        self.undo: list[Edit] = []
        self.redo: list[Edit] = []
        self.complete_since = 0
        """Changes before that number were forgotten."""
        self._removed: list[tuple[int, int, int]] = []  # number of the change, drive, clip

    def clear(self, number: int) -> None:
        """
        Forget everything.

        :param number: of the change that made it obsolete.
        """
        self.complete_since = number
        self._removed.clear()
        self.undo.clear()
        self.redo.clear()

    def add(self, edit: Edit) -> None:
        """A new change; what was taken back before cannot be made again."""
        self.undo.append(edit)
        del self.undo[:-_UNDO]
        self.redo.clear()

    def note_removed(self, number: int, drive: int, gone: set[int], back: set[int]) -> None:
        """
        Note which clips a change removed.

        :param back: clips that are there, which an earlier change may have removed.
        """
        self._removed += [(number, drive, clip) for clip in gone]
        self._removed = [item for item in self._removed if item[1] != drive or item[2] not in back]
        if len(self._removed) > _UNDO:
            self._removed.clear()
            self.complete_since = number

    def removed(self, drive: int, since: int) -> list[int]:
        """The clips of a drive that are gone since a change."""
        return [clip for number, at, clip in self._removed if at == drive and number > since]
