"""What a training learns from, so that another one is never mistaken for it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.caches import Ingredients, contents_in, ingredients_of, left_out_of, written_aside
from training.config import Config
from training.datasets import Sample
from training.networks.backbones import weights_file
from training.running.work_directory import EARLIER, has_begun
from wsvs_ros.errors import WsvsError

_LOG = logging.getLogger(__name__)
_RECORD = "learnt_from.json"


def with_masks(samples: Sequence[Sample], masks: Path) -> list[Sample]:
    """
    The samples that have a mask; how many have none and why is said in the log.

    :param masks: what a cue's `make_masks` returned.
    :raises WsvsError: if none has.
    """
    known = [sample for sample in samples if (masks / f"{sample.key}.npy").is_file()]
    lost = len(samples) - len(known)
    if lost:
        why = Counter(left_out_of(masks).values())
        reasons = "; ".join(f"{count}: {reason}" for reason, count in why.most_common()) or "their cue made none"
        _LOG.warning("%d of %d samples have no mask and are not learnt from (%s)", lost, len(samples), reasons)
    if not known:
        raise WsvsError("no sample has a mask to learn from; see the messages above")
    return known


def learnt_from(config: Config, samples: Sequence[Sample], masks: Path | None, work: Path) -> dict[str, Ingredients]:
    """
    What goes into a training beside its configuration: of each sample its image, tags, flow and mask, and the weights.

    :param work: keeps what is known of files.
    """
    of_masks = ingredients_of(masks) if masks is not None else {}
    with contents_in(work) as contents:
        weights = contents.of(weights_file(config.path(config.data.weights)))
    each = {sample.key: {**of_masks.get(sample.key, {}), **sample.made_of()} for sample in samples}
    return {**each, "": {"pretrained weights": weights}}


def claim_learning(work: Path, now: dict[str, Ingredients]) -> None:
    """
    Write down what is learnt from, unless a training has begun here that learnt from something else.

    :param now: see :func:`learnt_from`.
    :raises WsvsError: naming what has changed since, and what to do.
    """
    path = work / _RECORD
    begun = has_begun(work)
    if begun and path.is_file():
        before: dict[str, Ingredients] = json.loads(path.read_text(encoding="utf-8"))
        changes = _changes(before, now)
        if changes:
            raise WsvsError(
                f"{work}: holds a training that learnt from other data ({changes}); `--anew` of training.fit moves it "
                f"to {work / EARLIER} and trains anew with the caches that are here, another --work keeps both, or "
                "take the change back to go on"
            )
        return
    if begun:
        _LOG.warning("%s: nothing tells what its training has learnt from so far; taken to be the data of now", work)
    with written_aside(path) as aside:
        aside.write_text(json.dumps(now), encoding="utf-8")


def _changes(before: dict[str, Ingredients], now: dict[str, Ingredients]) -> str:
    """Such as "changed: tags of 27 samples, e.g. street/000012; 3 samples are new"."""
    changed: dict[str, list[str]] = {}
    for key in now:
        if key in before:
            for name in sorted({*before[key], *now[key]}):
                if before[key].get(name) != now[key].get(name):
                    changed.setdefault(name, []).append(key)
    ordered = sorted(changed.items(), key=lambda item: len(item[1]))  # what touches few samples is the cause
    parts = [f"{name} of {len(keys)} samples, e.g. {keys[0]}" if any(keys) else name for name, keys in ordered]
    said = ["changed: " + ", ".join(parts)] if parts else []
    for keys, words in ((now.keys() - before.keys(), "new"), (before.keys() - now.keys(), "gone")):
        if keys:
            said.append(f"{len(keys)} samples are {words}, e.g. {min(keys)}")
    return "; ".join(said)
