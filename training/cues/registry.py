"""All cues by the names that configurations give them."""

from __future__ import annotations

from collections.abc import Mapping

from training.config import Config
from training.cues.builtin.cue import BuiltinCue
from training.cues.em_adapt.cue import EmAdaptCue
from training.cues.heatmap.cue import HeatmapCue
from training.cues.interface import Cue
from training.cues.motion.cue import MotionCue

CUES: Mapping[str, Cue] = {
    "heatmap": HeatmapCue(),
    "builtin": BuiltinCue(shared=True),
    "cam": BuiltinCue(shared=False),
    "multi_class": BuiltinCue(shared=False),
    "motion": MotionCue(),
    "em_adapt": EmAdaptCue(),
}


def cue_of(config: Config) -> Cue:
    """The configuration's cue."""
    return CUES[config.cue]
