"""The configuration's sections of the cues, one a cue (:mod:`training.cues`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from training.config.ilsvrc import indices_of
from training.config.sections import Crf, Flow, Section

IlsvrcClasses = Annotated[tuple[Annotated[int, Field(ge=0, lt=1000)], ...], BeforeValidator(indices_of)]
"""Indices; a configuration may name kinds of :file:`ilsvrc.yaml` instead."""


class Iconic(Section):
    folder: Path = Field(description="one sub-folder of images a class")
    classes: dict[str, str | None] = Field(
        description="sub-folder -> label class; null makes it a negative example for all others"
    )
    views: int = Field(4, ge=1, description="augmented views of each image")
    overexpose: tuple[str, ...] = Field((), description="sub-folders whose views are also burnt out and blurred")
    whole: tuple[str, ...] = Field((), description="sub-folders of objects, cropped only slightly")


class Heatmaps(Section):
    weights: Path | None = Field(None, description="MobileNetV2 classifier of the heatmaps; data.weights by default")
    foreground: dict[str, IlsvrcClasses] = Field({}, description="label class -> ILSVRC's classes of it (BF 3.1)")
    iconic: Iconic | None = Field(None, description="images that teach the other classes; none for foreground alone")
    scales: tuple[float, ...] = Field(
        (2.0, 3.0),
        min_length=1,
        description="enlargements of the working size, averaged; the first one's features vote",
    )
    threshold: float = Field(0.2, gt=0, lt=1, description="binary masks keep what exceeds this share of the maximum")
    clusters: int = Field(200, ge=2, description="k-means clusters of all frames' features that vote on their class")
    objects: dict[str, float] = Field(
        {}, description="label class -> weight of its evidence: objects, too small to be voted on, speak for themselves"
    )
    certain: float = Field(0.4, gt=0, le=1, description="share of a cell's evidence that makes it an object's")

    @model_validator(mode="after")
    def _some_evidence(self) -> Heatmaps:
        if not self.foreground and self.iconic is None:
            raise ValueError("neither foreground nor iconic classes are given; heatmaps need one of them")
        return self


class Localisation(Section):
    """The network of the class activation maps, learnt from tags (BP 4.2.2)."""

    size: tuple[int, int] = Field((320, 240), description="width, height of what it sees")
    steps: int = Field(300, ge=1)
    batch_size: int = Field(8, ge=1)
    algorithm: Literal["adamw", "sgd"] = Field("adamw", description="sgd has a momentum of 0.9")
    lr: float = Field(1e-4, gt=0, description="of the pretrained layers")
    new_layers: float = Field(10, gt=0, description="times that rate of the new ones")
    step_every: int = Field(0, ge=0, description="steps after each of which the rates fall to a tenth; 0 for never")


class Builtin(Section):
    """Masks from what a classifier fires at (BP 3.1), for cues builtin, cam and multi_class."""

    alpha: float = Field(0.5, ge=0, le=1, description="share of the foreground probability in BP eq. 3 and 5")
    threshold: float = Field(0.2, gt=0, lt=1, description="class activation maps count above this share of the maximum")
    regions: bool = Field(True, description="the CRF wants one label a region (BP eq. 8)")
    crf: Crf = Field(
        Crf(gaussian_compat=0.3, bilateral_sxy=40, bilateral_compat=1),
        description="weak: the unaries of BP eq. 7 are between 0.27 and 0.73",
    )
    localisation: Localisation = Localisation()


class EmAdapt(Section):
    """The E-step of EM-Adapt (Papandreou et al., ICCV 2015)."""

    object_share: float = Field(0.2, ge=0, le=1, description="of the cells that each tagged object has at least")
    background_share: float = Field(0.4, ge=0, le=1, description="of the cells that the background has at least")


class MotionSegmentation(Section):
    """Of shots into what moves by itself and what does not, by flow and colours alone (MC 4.2)."""

    flow: Flow = Field(Flow(preset="fine"), description="its boundaries are what segments; fine ones pay")
    cell: int = Field(4, ge=1, description="pixels of a side of the cells that are cut")
    memory: float = Field(0.9, ge=0, lt=1, description="share of the evidence that reaches the next frame")
    smoothness: float = Field(8.0, ge=0, description="between neighbours in a frame")
    steadiness: float = Field(8.0, ge=0, description="along the flow, from frame to frame")
    components: int = Field(5, ge=1, description="Gaussians of each colour mixture")
    rounds: int = Field(2, ge=1, description="of the graph cut")
    least: float = Field(0.025, ge=0, le=1, description="share of a frame that has to move for it to be learnt from")
    most: float = Field(0.5, gt=0, le=1, description="share of a frame that may")
    frames: int = Field(20, ge=2, description="so many frames on end have to, or the shot is left out")


class FineTune(Section):
    """More steps with the best shot of each recording, by what the network has learnt so far (MC 3.3)."""

    steps: int = Field(0, ge=0, description="0 leaves it out")
    alpha: float = Field(2.0, ge=0, description="weight of the network's answer meanwhile")
    overlap: float = Field(0.2, ge=0, le=1, description="least mean IoU of a shot's motion segments and the answer")


class Motion(Section):
    """Label prediction from motion segments (MC 3.2)."""

    alpha: float = Field(1.0, ge=0, description="weight of the network's answer beside the colours'")
    rounds: int = Field(4, ge=1, description="cuts, with colours learnt anew between them")
    components: int = Field(5, ge=1, description="Gaussians of a colour mixture")
    smoothness: float = Field(8.0, ge=0, description="lambda, what it costs two neighbours to differ")
    gamma: float = Field(0.5, ge=0, description="of squared colour differences over their mean in the image")
    boundary: int = Field(2, ge=0, description="cells on each side of a segment's boundary where labels change freely")
    hard: bool = Field(False, description="the segments themselves are the labels, without prediction")
    segmentation: MotionSegmentation = MotionSegmentation()
    fine_tune: FineTune = FineTune()
