"""The learning rate of each step."""

from __future__ import annotations

from training.config.configuration import Optimiser


def learning_rate_share(settings: Optimiser, step: int) -> float:
    """
    The share of the first learning rate that a step has, from the step alone, so that a run may be made longer.

    :param step: from 0.
    :return: falling to 0 with the power 0.9, or in steps (BF 4.2).
    """
    if settings.schedule == "step":
        return float(settings.step_factor ** (step // settings.step_every))
    return float(max(0.0, 1 - step / settings.steps) ** 0.9)
