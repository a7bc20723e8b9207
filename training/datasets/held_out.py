"""Which samples validation holds back: frames beside one another are all but the same, so they stay together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.datasets.sample import Sample
from wsvs_ros.errors import WsvsError


def hold_out(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """
    Split off the frames of validation: a stretch of time of each recording, and of many short ones some as a whole.

    :param samples: each recording's in the order of time. A recording is what their keys name before the last `/`.
    :param share: of the samples that is held out, about; of each recording, rounded up.
    :return: what is learnt from, and what is held out.
    :raises WsvsError: if nothing would be left to learn from.
    """
    if not share:
        return list(samples), []
    recordings: dict[str, list[int]] = {}
    for index, sample in enumerate(samples):
        recordings.setdefault(sample.key.rpartition("/")[0], []).append(index)
    rng = np.random.default_rng(seed)
    chosen: set[int] = set()
    short = [members for members in recordings.values() if len(members) * share < 1]
    if len(short) * share < 1:
        short = []
    for members in recordings.values():
        if members not in short:
            count = int(np.ceil(share * len(members)))
            first = int(rng.integers(0, len(members) - count + 1))
            chosen.update(members[first : first + count])
    for number in rng.permutation(len(short))[: int(np.ceil(share * len(short)))]:
        chosen.update(short[number])
    if len(chosen) >= len(samples):
        raise WsvsError(f"validation.share {share:g} of {len(samples)} samples leaves none to learn from; lower it")
    parts: tuple[list[Sample], list[Sample]] = ([], [])
    for index, sample in enumerate(samples):
        parts[index in chosen].append(sample)
    return parts
