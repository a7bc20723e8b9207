"""The face of the motion cue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor
from torch.nn import functional as F

from training.config import Config
from training.cues.interface import Cue
from training.cues.motion.fine_tuning import best_shots
from training.cues.motion.label_prediction import predict_labels
from training.cues.motion.masks import make_motion_masks
from training.datasets import Sample
from training.networks.losses import CueLoss, balance, label_loss
from training.networks.module import load_checkpoint
from wsvs_ros.perception.labels import LabelSet


class MotionCue(Cue):
    """What moves by itself in a shot (MC 3)."""

    by_shot = True  # whose frames learn their colours from each other

    def make_masks(self, config: Config, samples: Sequence[Sample], work: Path) -> Path:
        """The motion segments."""
        return make_motion_masks(config, samples, work)

    def loss(self, config: Config, tag_counts: Sequence[int] = ()) -> CueLoss:
        """MC eq. 1 with labels that motion segments and the network agree on."""
        label_set = LabelSet.load(config.labels)
        foreground = config.foreground_ids(label_set)
        weights = balance(tag_counts or [1] * len(label_set), foreground)

        def loss(log_probabilities: Tensor, _masks: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
            predicted = predict_labels(
                log_probabilities.detach(),
                F.interpolate(batch["image"].float(), size=log_probabilities.shape[2:], mode="area"),
                batch["labels"],
                batch["tags"],
                foreground=foreground,
                shots=batch["shot"],
                frames=batch["frame"],
                settings=config.motion,
                shares=config.em_adapt,
            )
            return label_loss(log_probabilities, predicted.labels, weights)

        return loss

    def fine_tuning(self, config: Config) -> Config | None:
        """More steps by what the network has learnt so far (MC 3.3), where they are asked for."""
        fine_tune = config.motion.fine_tune
        if not fine_tune.steps:
            return None
        optimiser = config.optimiser.model_copy(update={"steps": fine_tune.steps})
        motion = config.motion.model_copy(update={"alpha": fine_tune.alpha})
        return config.model_copy(update={"optimiser": optimiser, "motion": motion})

    def worth_more(self, config: Config, samples: Sequence[Sample], masks: Path, checkpoint: Path) -> list[Sample]:
        """The best shot of each recording."""
        network = load_checkpoint(config, checkpoint)
        return best_shots(network, samples, masks, least=config.motion.fine_tune.overlap)
