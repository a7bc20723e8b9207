"""Decoded frames and flow fields of a drive on disk: only those that samples need, mapped into memory to be read.

A drive lies in pieces of consecutive frames, one ``.safetensors`` file each, so that none is too large to be written at
once and what an interrupted run has decoded stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from training.caches import written_aside
from wsvs_ros.errors import WsvsError

PIECE = 50
"""Frames of a drive that lie in one file."""


@dataclass(frozen=True)
class Piece:
    """
    Some frames and fields of a drive, by their numbers in it.

    :param path: ``.safetensors`` with `frames` (K, H, W, 3) uint8 RGB, `flow` (M, 2, H, W) float16 pixels per frame
        (field t leads from frame t-1 to t), and their numbers `frames_at` (K,) and `flow_at` (M,) int64, ascending.
    """

    path: Path

    def save(self, frames: Mapping[int, np.ndarray], flow: Mapping[int, np.ndarray]) -> None:
        """Write it, whole or not at all."""
        from safetensors.numpy import save_file

        arrays = {}
        for name, found in (("frames", frames), ("flow", flow)):
            arrays[f"{name}_at"] = np.array(sorted(found), np.int64)
            if found:
                arrays[name] = np.stack([found[number] for number in sorted(found)])
        with written_aside(self.path) as aside:
            save_file(arrays, aside)

    def has(self) -> tuple[set[int], set[int]]:
        """The numbers of its frames and fields; none where there is no file or a damaged one."""
        if not self.path.is_file():
            return set(), set()
        try:
            with self._open() as arrays:
                return set(arrays.get_tensor("frames_at").tolist()), set(arrays.get_tensor("flow_at").tolist())
        except WsvsError:
            return set(), set()

    def read(self, name: str, first: int, stop: int) -> np.ndarray:
        """
        Frames or fields from one number up to another.

        :param name: `frames` or `flow`.
        :raises WsvsError: if one of them is not there.
        """
        with self._open() as arrays:
            numbers = arrays.get_tensor(f"{name}_at")
            begin, end = np.searchsorted(numbers, (first, stop))
            if end - begin == stop - first:
                found: np.ndarray = arrays.get_slice(name)[int(begin) : int(end)]
                return found
        raise WsvsError(f"{self.path}: {name} {first} to {stop - 1} are missing; delete the file, it is made again")

    def _open(self) -> AbstractContextManager[Any]:
        """For each read: a dataset has more drives than a process may have open files."""
        from safetensors import SafetensorError, safe_open

        try:
            opened: AbstractContextManager[Any] = safe_open(self.path, framework="np")
        except (OSError, SafetensorError) as error:
            raise WsvsError(f"{self.path}: cannot be read ({error}); delete it, it is made again") from error
        return opened


@dataclass(frozen=True)
class CachedDrive:
    """
    A decoded drive.

    :param folder: of its pieces.
    :param count: number of frames.
    :param size: width and height, pixels.
    :param step: frames of a piece.
    """

    folder: Path
    count: int
    size: tuple[int, int]
    step: int = PIECE

    def piece(self, number: int) -> Piece:
        """The piece that a frame lies in."""
        return Piece(self.folder / f"{number // self.step * self.step:06d}.safetensors")

    def image(self, index: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        found: np.ndarray = self.piece(index).read("frames", index, index + 1)[0]
        return found

    def images(self, start: int, stop: int) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB, the frames from one number up to another."""
        return np.concatenate(
            [self.piece(first).read("frames", first, last) for first, last in self._spans(start, stop)]
        )

    def stack(self, index: int, *, length: int, lookahead: int) -> np.ndarray:
        """
        The window of fields that the segmenter shows for a frame: (t - L + lookahead, t + lookahead].

        :return: (2L, H, W) float32; fields before the first and after the last frame are zero.
        """
        window = np.zeros((length, 2, self.size[1], self.size[0]), np.float32)
        begin = index + lookahead - length + 1
        for first, stop in self._spans(max(begin, 1), min(begin + length, self.count)):
            window[first - begin : stop - begin] = self.piece(first).read("flow", first, stop)
        return window.reshape(2 * length, *window.shape[2:])

    def _spans(self, start: int, stop: int) -> list[tuple[int, int]]:
        """A range of numbers, cut where one piece ends and the next begins."""
        cuts = [start, *range((start // self.step + 1) * self.step, stop, self.step), stop]
        return [(first, last) for first, last in pairwise(cuts) if first < last]
