"""What a segmenter may be set to."""

from __future__ import annotations

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import ModelBundle


class SegmenterError(WsvsError):
    """A segmenter was set up with a value out of range, or used after it was closed."""


def checked_lookahead(bundle: ModelBundle, lookahead: int | None) -> int:
    """
    The lookahead that is meant: None is the model's own.

    :raises SegmenterError: if it is out of the model's range.
    """
    lookahead = bundle.lookahead if lookahead is None else lookahead
    limit = bundle.window_length // 2
    if not 0 <= lookahead <= limit:
        raise SegmenterError(f"lookahead: got {lookahead}, expected 0 to {limit} for model {bundle.name}")
    return lookahead


def checked_max_gap(max_gap: float) -> float:
    """
    The longest time between two frames of one stream, seconds.

    :raises SegmenterError: if it is none.
    """
    if not max_gap > 0:
        raise SegmenterError(f"max_gap: got {max_gap}, expected more than 0 seconds")
    return max_gap
