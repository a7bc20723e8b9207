"""Sections of the training configuration that several others hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.crf import CrfSettings


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Flow(Section):
    algorithm: str = Field("dis", description="dis or brox")
    preset: str = Field("fast", description="ultrafast (dis only), fast, balanced or fine")
    device: str = Field("cpu", description="where drives' flow is computed: cpu, cuda")

    def settings(self) -> FlowSettings:
        """Without the device, which changes nothing of what is computed."""
        return FlowSettings(self.algorithm, self.preset)


class Crf(Section):
    """A fully-connected CRF by :class:`wsvs_ros.perception.crf.CrfSettings`' names, at the image's resolution."""

    iterations: int = Field(5, ge=0)
    gaussian_sxy: float = Field(3.0, gt=0)
    gaussian_compat: float = Field(3.0, ge=0)
    bilateral_sxy: float = Field(80.0, gt=0)
    bilateral_srgb: float = Field(13.0, gt=0)
    bilateral_compat: float = Field(10.0, ge=0)

    def settings(self) -> CrfSettings:
        """As the CRF takes them."""
        return CrfSettings(**self.model_dump())
