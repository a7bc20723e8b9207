"""The order in which a training run sees its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler


class EndlessOrder(Sampler[int]):
    """
    Shuffled positions, epoch after epoch; an order that depends on the seed alone, so that it can be resumed.

    :param count: how many positions, over all processes.
    :param first: how many positions to leave out, those that an interrupted run has seen.
    :param rank, world: this process takes every `world`-th position, beginning with its rank.
    :param groups: what each sample belongs to; given, each batch is of one group (MC 4.2), and samples of a group that
        does not fill its last batch occur more than once in an epoch, each time at a position of its own.
    :param batch: samples of a batch, over all processes.
    """

    def __init__(
        self,
        samples: int,
        *,
        count: int,
        seed: int,
        first: int = 0,
        rank: int = 0,
        world: int = 1,
        groups: Sequence[str] = (),
        batch: int = 1,
    ) -> None:
        self._samples, self._seed, self._batch = samples, seed, batch
        self._members = [np.flatnonzero(np.array(groups) == group) for group in sorted(set(groups))]
        batches = sum(-(-len(members) // batch) for members in self._members)
        self._epoch = batches * batch if groups else samples
        self._positions = range(first + rank, count, world)
        self._length = len(range(rank, count, world))

    def __len__(self) -> int:
        """Of the whole order: the trainer counts the steps before `first` too."""
        return self._length

    def __iter__(self) -> Iterator[int]:
        known, order = -1, np.empty(0, int)
        for position in self._positions:
            epoch, index = divmod(position, self._epoch)
            if epoch != known:
                known, order = epoch, self._shuffle(np.random.default_rng((self._seed, epoch)))
            turn = position if self._members else epoch  # what occurs twice in an epoch is cropped in two ways
            yield turn * self._samples + int(order[index])

    def _shuffle(self, rng: np.random.Generator) -> np.ndarray:
        if not self._members:
            return rng.permutation(self._samples)
        batches: list[np.ndarray] = []
        for members in self._members:
            shuffled = rng.permutation(members)
            batches += list(np.resize(shuffled, -(-len(members) // self._batch) * self._batch).reshape(-1, self._batch))
        return np.concatenate([batches[index] for index in rng.permutation(len(batches))])
