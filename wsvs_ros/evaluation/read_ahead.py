"""Work on a few items ahead, in threads, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_AHEAD = 6  # frames that are read while one is measured
Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterator[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """Results in order, with the next few made in threads meanwhile; never more than these are held."""
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
