"""Videos that are files with a number in their name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from training.datasets.errors import DatasetError


@dataclass(frozen=True)
class NumberedFrames:
    """
    Consecutive frames of a video, named by their number. No file is touched.

    :param folder: where they lie.
    :param pattern: a file's name, with the number as ``{:06d}`` or the like.
    :param first: the first frame's number.
    :param last: the last one's.
    """

    folder: Path
    pattern: str
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    def path(self, number: int) -> Path:
        """The file of a frame."""
        return self.folder / self.pattern.format(number)

    def around(self, number: int, *, length: int, lookahead: int) -> list[Path]:
        """
        The frames that the flow window of one needs: L + 1, less where the video begins or ends.

        :param length: L.
        :param lookahead: fields of the window in the frame's future.
        :raises DatasetError: if the video does not reach to the frame.
        """
        if not self.first <= number <= self.last:
            raise DatasetError(
                f"{self.path(number)}: missing; restore it (the frames there go from {self.first} to {self.last})"
            )
        first = max(self.first, number - length + lookahead)
        return [self.path(each) for each in range(first, min(self.last, number + lookahead) + 1)]


def numbered(folder: Path, pattern: str) -> NumberedFrames | None:
    """
    The frames that lie in a folder.

    :param pattern: their names, with the number as ``{:06d}`` or the like.
    :return: from the lowest to the highest number; None without any.
    """
    before, after = pattern.split("{", 1)[0], pattern.split("}", 1)[1]
    expression = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found = [int(match[1]) for path in folder.iterdir() if (match := expression.fullmatch(path.name))]
    return NumberedFrames(folder, pattern, min(found), max(found)) if found else None


def evenly(first: int, last: int, count: int) -> list[int]:
    """`count` numbers from the middles of equal parts of a range; all of a range that is not longer."""
    length = last - first + 1
    if length <= count:
        return list(range(first, last + 1))
    return [first + int((part + 0.5) * length / count) for part in range(count)]
