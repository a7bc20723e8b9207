"""Decodes a drive from one end to the other and keeps what its samples need.

Memory does not grow with the drive: some frames wait until all samples are known whose windows reach to them, then
their piece is written. Pieces that are there already are passed over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from tqdm import tqdm

from training.datasets.drive_cache import CachedDrive, Piece
from wsvs_ros.drives import Drive
from wsvs_ros.perception.flow import FlowAlgorithm
from wsvs_ros.perception.frames import Frame

SHOT = 100
"""Frames of a recording, which has no cuts, that count as one shot."""


@dataclass(frozen=True)
class Needs:
    """
    What samples need of a drive.

    :param length, lookahead: L and lookahead of their windows.
    :param shots: all frames of their shots are needed, too.
    """

    length: int
    lookahead: int
    shots: bool = False

    @property
    def reach(self) -> int:
        """How far from a frame a sample may lie that needs it."""
        return max(self.length, self.lookahead + 1, SHOT if self.shots else 0)

    def within(self, first: int, stop: int, samples: Collection[int]) -> tuple[set[int], set[int]]:
        """The numbers of the frames and fields from `first` up to `stop` that samples need."""
        frames = {number for number in samples if first <= number < stop}
        if self.shots:
            shots = {number // SHOT for number in samples}
            frames = {number for number in range(first, stop) if number // SHOT in shots}
        before = self.length - self.lookahead - 1
        reached = {number for sample in samples for number in range(sample - before, sample + self.lookahead + 1)}
        return frames, {number for number in reached if max(first, 1) <= number < stop}


def lacking(cached: CachedDrive, needs: Needs, samples: Sequence[int]) -> list[int]:
    """The first frames of the pieces that lack something which samples need."""
    near = _by_piece(cached, needs, samples)
    found = []
    for first, around in near.items():
        frames, fields = needs.within(first, min(first + cached.step, cached.count), around)
        kept_frames, kept_fields = cached.piece(first).has()
        if frames - kept_frames or fields - kept_fields:
            found.append(first)
    return found


def _by_piece(cached: CachedDrive, needs: Needs, samples: Sequence[int]) -> dict[int, list[int]]:
    """By piece the samples that may need something of it."""
    found: dict[int, list[int]] = {}
    for sample in samples:
        begin, end = max(sample - needs.reach, 0), min(sample + needs.reach + 1, cached.count)
        for first in range(begin // cached.step * cached.step, end, cached.step):
            found.setdefault(first, []).append(sample)
    return dict(sorted(found.items()))


def decode(
    drive: Drive,
    cached: CachedDrive,
    flow: FlowAlgorithm,
    needs: Needs,
    clock: Callable[[int, Frame], int],
    is_sample: Callable[[int, int], bool],
    *,
    stop: int | None = None,
) -> np.ndarray:
    """
    Write the pieces that samples need and that are not there.

    :param cached: where to; its `count` is of no account.
    :param clock: of a frame's number and the frame, when it was, in any unit.
    :param is_sample: whether a frame is a sample, by its number and its clock less that of the first frame.
    :param stop: leave off behind this frame; None for the drive's end.
    :return: (T,) int64, those clocks of all frames that were read.
    """
    clocks: list[int] = []
    samples: list[int] = []
    waiting: list[np.ndarray] = []
    begin = 0
    first = 0  # of the next piece; the frame before it, which leads to the piece's first field, waits as well

    def write() -> None:
        nonlocal first
        end = min(first + cached.step, len(clocks))
        near = samples[bisect_left(samples, first - needs.reach) :]
        before = max(first - 1, 0)
        _write(cached.piece(first), dict(enumerate(waiting, before)), needs.within(first, end, near), flow)
        del waiting[: end - 1 - before]
        first = end

    bar = tqdm(drive, total=stop or drive.frame_count, desc=f"flow of {drive.path.name}", unit="frame")
    for number, frame in enumerate(bar):
        waiting.append(cv2.resize(frame.image, cached.size, interpolation=cv2.INTER_AREA))
        now = clock(number, frame)
        begin = now if number == 0 else begin
        clocks.append(now - begin)
        if is_sample(number, clocks[-1]):
            samples.append(number)
        if len(clocks) >= first + cached.step + needs.reach:
            write()
        if number + 1 == stop:
            break
    while first < len(clocks):
        write()
    return np.array(clocks, np.int64)


def _write(piece: Piece, images: dict[int, np.ndarray], needed: tuple[set[int], set[int]], flow: FlowAlgorithm) -> None:
    """
    :param images: (H, W, 3) uint8 BGR by number, all of the piece and the one before it.
    :param needed: numbers of frames and fields.
    """
    frames, fields = needed
    kept_frames, kept_fields = piece.has()
    if frames <= kept_frames and fields <= kept_fields:
        return
    frames, fields = frames | kept_frames, fields | kept_fields  # other samples may need what is there
    grays = {
        number: cv2.cvtColor(images[number], cv2.COLOR_BGR2GRAY)
        for number in {*fields, *(field - 1 for field in fields)}
    }
    order = sorted(fields)
    found: dict[int, np.ndarray] = {}
    if order:
        pairs = (np.stack([grays[field - back] for field in order]) for back in (1, 0))
        found = dict(zip(order, flow.batch(*pairs).astype(np.float16), strict=True))
    piece.save({number: cv2.cvtColor(images[number], cv2.COLOR_BGR2RGB) for number in frames}, found)
