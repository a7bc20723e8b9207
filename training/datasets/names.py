"""Short names that no two drives or folders share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count


class Names:
    """Gives each thing a name; what is named later yields to what was named before."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, name: str, *more: str) -> str:
        """
        A name that nothing has yet.

        :param name: what it should be; slashes become hyphens.
        :param more: what tells the thing from others of that name, e.g. its folder; put before the name if need be.
        """
        found = next(each for each in _candidates(name.replace("/", "-"), more) if each not in self._given)
        self._given.add(found)
        return found


def _candidates(name: str, more: tuple[str, ...]) -> Iterator[str]:
    yield name
    for each in more:
        yield f"{each.strip('/').replace('/', '-')}-{name}"
    for number in count(2):
        yield f"{name}-{number}"
