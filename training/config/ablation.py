"""What an ablation compares: variants of one configuration, what they are measured on, the paper's figures."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator

from training.config.configuration import ConfigError
from training.config.sections import Section


class Published(Section):
    """A row of the paper's tables, in percent."""

    miou: float
    class_accuracy: float | None = None
    global_accuracy: float | None = None
    per_class: dict[str, float] = Field({})


class Variant(Section):
    name: str
    overrides: tuple[str, ...] = Field((), description="section.key=value, after the common ones")
    motion: bool = Field(True, description="evaluate with flow; false leaves it at zero")
    paper: Published | None = None


class LabelledDataset(Section):
    """A public dataset's labelled frames."""

    name: str
    root: Path = Field(description="its folder, relative to data.root")
    split: str = "val"


class VehicleClip(Section):
    """A clip with the true masks of its vehicles, to measure vehicles in true motion."""

    name: str
    images: Path = Field(description="drive, relative to data.root")
    masks: Path = Field(description="a PNG a frame of its name, not 0 where a vehicle is; relative to data.root")
    fps: float | None = None


class Ablation(Section):
    title: str
    base: Path = Field(description="configuration, relative to this file")
    overrides: tuple[str, ...] = Field((), description="of all variants")
    drive: Path | None = Field(None, description="labelled drive, relative to data.root")
    labels: Path | None = Field(None, description="its label PNGs, relative to data.root")
    fps: float | None = None
    dataset: LabelledDataset | None = Field(None, description="what to measure on instead of a drive")
    vehicles: tuple[VehicleClip, ...] = Field((), description="clips whose vehicle masks are measured as well")
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    variants: tuple[Variant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _measured_on_one_thing(self) -> Ablation:
        if (self.drive is None) != (self.labels is None) or (self.drive is None) == (self.dataset is None):
            raise ValueError("either drive and labels or dataset says what to measure on")
        return self


def load_ablation(path: Path) -> Ablation:
    """
    Read an ablation's YAML file.

    :raises ConfigError: naming the file, the key and what is accepted.
    """
    try:
        return Ablation.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
        raise ConfigError("\n".join(lines)) from error
