"""The order in which a training run sees its samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class EndlessOrder(Sampler[int]):
    """
    Shuffled positions, epoch after epoch; an order that depends on the seed alone, so that it can be resumed.

    :param count: how many positions, over all processes.
    :param first: how many positions to leave out, those that an interrupted run has seen.
    :param rank, world: this process takes every `world`-th position, beginning with its rank.
    """

    def __init__(self, samples: int, *, count: int, seed: int, first: int = 0, rank: int = 0, world: int = 1) -> None:
        self._samples, self._seed = samples, seed
        self._positions = range(first + rank, count, world)
        self._length = len(range(rank, count, world))

    def __len__(self) -> int:
        """Of the whole order: the trainer counts the steps before `first` too."""
        return self._length

    def __iter__(self) -> Iterator[int]:
        known, order = -1, np.empty(0, int)
        for position in self._positions:
            epoch, index = divmod(position, self._samples)
            if epoch != known:
                known, order = epoch, np.random.default_rng((self._seed, epoch)).permutation(self._samples)
            yield epoch * self._samples + int(order[index])
