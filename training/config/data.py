"""The configuration's section of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from training.config.sections import Section


class Images(Section):
    images: Path = Field(description="folder of single images")
    tags: Path = Field(description="tags.json: image name -> classes")


class Drives(Section):
    tags: Path | None = Field(None, description="tags.yaml; the drives lie beside it")
    folder: Path = Field(Path("."), description="where the drives lie that `clips` names")
    clips: dict[str, list[dict[str, Any]] | dict[str, Any]] = Field(
        {}, description="what tags.yaml would hold, for few clips"
    )
    ignore: tuple[str, ...] = Field((), description="tag names that the label set leaves out on purpose")
    step: int = Field(4, ge=1, description="every how many frames one is a training sample")
    fps: float | None = Field(
        None, gt=0, description="frame rate of folders of images, instead of the one that their tags were counted by"
    )

    @model_validator(mode="after")
    def _tagged_once(self) -> Drives:
        if (self.tags is None) == (not self.clips):
            raise ValueError("drives: give either tags, a file, or clips")
        return self


class DatasetPart(Section):
    name: str = Field(description="camvid, cityscapes, youtube_objects, voc, coco or imagenet_vid")
    root: Path = Field(description="its folder, laid out as training/datasets/NAME.py says")
    split: str = "train"
    tags: Path = Field(description="tag file; `python -m training.tags` derives one from annotations")
    ignore: tuple[str, ...] = Field((), description="tag names that the label set leaves out on purpose")
    motion: bool = Field(True, description="flow from the video around each frame, where the dataset has it")
    per_shot: int = Field(8, ge=1, description="frames taken of each shot, where shots have tags")


class Data(Section):
    root: Path = Field(Path("."), description="what relative paths below are relative to")
    weights: Path = Field(description="ImageNet weights of the backbone, torchvision's names")
    images: tuple[Images, ...] = ()
    drives: tuple[Drives, ...] = ()
    datasets: tuple[DatasetPart, ...] = ()
    on_error: Literal["stop", "skip"] = Field("stop", description="what an unreadable image or drive does")
    sources: tuple[str, ...] = Field((), description="what the data is and its terms, for the model card")

    @model_validator(mode="after")
    def _each_part_once(self) -> Data:
        parts = [f"{part.name} {part.split}" for part in self.datasets]
        twice = sorted({part for part in parts if parts.count(part) > 1})
        if twice:
            raise ValueError(f"datasets: {', '.join(twice)} is given twice")
        return self
