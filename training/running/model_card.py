"""The model card that lies in each bundle as README.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.config import Config


def model_card(config: Config, trained_on: Sequence[str], metrics: Mapping[str, Any]) -> str:
    """
    The card's Markdown: what the model is, what it learnt from, what it reached, where not to use it.

    :param trained_on: data and their terms, one line each.
    :param metrics: ``miou``, ``class_accuracy``, ``global_accuracy`` and ``per_class`` IoU, each in [0, 1], and
        ``measured_on``; empty when nothing was measured.
    """
    width, height = config.working_size
    data = "\n".join(f"- {line}" for line in trained_on) or "- not stated"
    return f"""# {config.name}

Two-stream (appearance + optical flow) semantic segmentation for driving scenes, learnt from tags: no pixel
was labelled for its training. Made by `python -m training.fit` and `python -m training.export` of wsvs_ros,
after "Bringing Background into the Foreground" (Saleh et al., 2017).

| | |
| --- | --- |
| backbone | {config.backbone}, ImageNet-initialised |
| image | RGB {width}x{height} |
| flow | {config.window.length} fields ({config.flow.algorithm}, {config.flow.preset}) |
| lookahead | {config.window.lookahead} frames |
| labels | {config.labels} |
| seed, steps, batch | {config.seed}, {config.optimiser.steps}, {config.optimiser.batch_size} |
| teachers before it | {config.self_training.rounds} |

## Learnt from

{data}

The tags, the iconic images and the ImageNet classifier are all the supervision there is.
Terms of these sources, such as non-commercial use, extend to uses of this model.

## Reached

{_table(metrics)}

{_list("Notes", config.notes)}{_list("Departures from the paper", config.departures)}"""


def _list(title: str, items: Sequence[str]) -> str:
    return f"## {title}\n\n" + "".join(f"- {item}\n" for item in items) if items else ""


def _table(metrics: Mapping[str, Any]) -> str:
    if not metrics:
        return "Not measured."
    rows = "\n".join(
        f"| {name} | {'no such pixels' if iou is None else f'{100 * iou:.1f}'} |"
        for name, iou in metrics["per_class"].items()
    )
    return f"""Measured on {metrics["measured_on"]}.

| metric | % |
| --- | --- |
| mIoU | {100 * metrics["miou"]:.1f} |
| mean class accuracy | {100 * metrics["class_accuracy"]:.1f} |
| global accuracy | {100 * metrics["global_accuracy"]:.1f} |

| class | IoU, % |
| --- | --- |
{rows}"""
