"""The training configuration, section by section."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from training.config.cues import Builtin, EmAdapt, Heatmaps, Motion
from training.config.data import Data
from training.config.sections import Crf, Flow, Section
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


class ConfigError(WsvsError):
    """A training configuration that cannot be used."""


class Window(Section):
    length: int = Field(10, ge=1, le=64, description="L, flow fields in the network's window")
    lookahead: int = Field(0, ge=0, description="fields of the window that lie in the frame's future")


class Optimiser(Section):
    algorithm: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(1e-4, gt=0, description="of the pretrained layers")
    head_lr: float = Field(1e-3, gt=0, description="of the new layers")
    weight_decay: float = Field(1e-4, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    schedule: Literal["poly", "step"] = Field("poly", description="fall to zero by power 0.9, or in steps")
    step_every: int = Field(10_000, ge=1, description="steps between two falls of the learning rate")
    step_factor: float = Field(0.1, gt=0, le=1, description="what it falls to each time")
    steps: int = Field(1500, ge=1)
    batch_size: int = Field(4, ge=1, description="of each process")
    frozen_blocks: int = Field(4, ge=0, description="leading backbone blocks that stay as they came")


class Losses(Section):
    tag: float = Field(1.0, ge=0, description="weight of BF eq. 2")
    heatmap: float = Field(1.0, ge=0, description="weight of BF eq. 4, the loss of the heatmap cue")
    cue: float = Field(1.0, ge=0, description="weight of another cue's loss: BP eq. 12 or 15, MC eq. 1")
    area_power: float = Field(0.0, ge=0, le=1, description="0: classes weigh alike in BF eq. 4; 1: pixels do")
    crf: float = Field(0.0, ge=0, description="weight of the CRF loss (BF 3.2.1)")
    crf_from: int = Field(0, ge=0, description="step at which the CRF loss sets in")
    lse_r: float = Field(5.0, gt=0, description="r of BF eq. 3")
    ask_all: bool = Field(
        False, description="BF eq. 2 asks for every tagged class, not only for those whose mask a crop shows"
    )


class SelfTraining(Section):
    """Rounds in which a trained network labels its training frames for the next one."""

    rounds: int = Field(0, ge=0, description="teachers before the network itself; 0 learns from heatmaps alone")
    scales: tuple[float, ...] = Field((0.75, 1.0, 1.25), min_length=1, description="at which a teacher looks")
    confidence: float = Field(0.6, ge=0, le=1, description="less likely cells get no label")
    crf: Crf = Field(Crf(), description="refines a teacher's predictions")


class Validation(Section):
    """What tells the best checkpoint: the loss on tagged frames held out of training. It needs no pixel label."""

    share: float = Field(0.0, ge=0, lt=1, description="of the samples that is held out; 0 leaves validation out")
    every: int = Field(250, ge=1, description="steps between two validations")
    pictures: int = Field(4, ge=0, description="held-out frames whose labels and predictions are drawn each time")


class Runtime(Section):
    """How training uses the machine; nothing here changes what is learnt, up to rounding."""

    accelerator: str = Field("auto", description="cpu, cuda, or auto for a GPU where there is one")
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = Field(
        "auto", description="auto is bf16-mixed on a GPU that has it, else 32-true"
    )
    workers: int = Field(1, ge=0, description="processes that load data, for each training process")
    log_every: int = Field(10, ge=1, description="steps between two lines of the logs")
    checkpoint_every: int = Field(250, ge=1, description="steps between two checkpoints")


class Augmentation(Section):
    crop: tuple[int, int] = Field((288, 224), description="width, height of training crops, pixels")
    scale: tuple[float, float] = Field((0.6, 1.2), description="range of random resizing")
    motion_dropout: float = Field(0.5, ge=0, le=1, description="share of samples whose flow is set to zero")
    jitter: float = Field(0.3, ge=0, description="strength of brightness, contrast and colour changes")


CueName = Literal["heatmap", "builtin", "cam", "multi_class", "motion", "em_adapt"]
"""What tells where in the frame its tagged classes are; :data:`training.cues.registry.CUES` has them all."""


class Config(Section):
    name: str
    notes: tuple[str, ...] = Field((), description="limits and choices, for the model card")
    departures: tuple[str, ...] = Field(
        (), description="where the method differs from the paper's that the name bears, for the model card"
    )
    labels: str = Field("camvid11", description="a built-in label set or a YAML file")
    backbone: Literal["mobilenet_v2", "vgg16"] = "mobilenet_v2"
    head: Literal["new", "imagenet", "small_fov", "large_fov"] = Field(
        "new",
        description="imagenet keeps the classifier's upper layers and, of shared classes, its last (BF 4.2); small_fov "
        "and large_fov have them see 128 and 224 pixels (BP 4.2.1)",
    )
    streams: Literal["two", "appearance"] = Field("two", description="appearance leaves the motion stream out")
    cue: CueName = Field("heatmap", description="what tells where the tagged classes are")
    foreground: tuple[str, ...] = Field(
        (), description="the classes that are objects; by default all but `background`, where the label set has it"
    )
    working_size: tuple[int, int] = Field((480, 360), description="width, height of the network's input")
    window: Window = Window()
    flow: Flow = Flow()
    seed: int = 0
    threads: int = Field(0, ge=0, description="CPU threads of torch; 0 leaves its default")
    data: Data
    heatmaps: Heatmaps | None = Field(None, description="of the heatmap cue")
    builtin: Builtin = Builtin()
    em_adapt: EmAdapt = EmAdapt()
    motion: Motion = Motion()
    optimiser: Optimiser = Optimiser()
    losses: Losses = Losses()
    crf: Crf = Crf()
    self_training: SelfTraining = SelfTraining()
    augmentation: Augmentation = Augmentation()
    validation: Validation = Validation()
    runtime: Runtime = Runtime()

    def path(self, path: Path) -> Path:
        """A path of this configuration, taken relative to ``data.root``."""
        return path if path.is_absolute() else self.data.root / path

    @property
    def cue_weight(self) -> float:
        """The weight of the cue's loss."""
        return self.losses.heatmap if self.cue == "heatmap" else self.losses.cue

    @property
    def whole_shots(self) -> bool:
        """Whether the cue looks at all frames of a shot, not only at those that are learnt from."""
        return self.cue == "motion"

    def foreground_ids(self, label_set: LabelSet) -> tuple[int, ...]:
        """
        The ids of the classes that are objects.

        :raises ConfigError: if nothing tells them from the background, or a class is not in the label set.
        """
        names = self.foreground
        if not names and "background" in label_set.names:
            names = tuple(name for name in label_set.names if name != "background")
        if not names:
            raise ConfigError(
                f"cue {self.cue}: label set {label_set.name} has no class `background`; say which of its classes are "
                "objects by `foreground: [...]`"
            )
        strangers = sorted(set(names) - set(label_set.names))
        if strangers:
            raise ConfigError(f"foreground: {', '.join(strangers)}: not in label set {label_set.name}")
        return tuple(label_set.id_of(name) for name in names)

    @model_validator(mode="after")
    def _heatmaps_given(self) -> Config:
        if self.heatmaps is None and self.cue == "heatmap" and self.losses.heatmap:
            raise ValueError("cue heatmap: a section `heatmaps` is needed that says what classifies the frame")
        return self
