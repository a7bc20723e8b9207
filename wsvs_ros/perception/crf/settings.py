"""Parameters of the fully-connected CRF."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from wsvs_ros.errors import WsvsError


class CrfError(WsvsError):
    """A CRF parameter or input is out of range, or the CRF is not available here."""


@dataclass(frozen=True)
class CrfSettings:
    """
    Parameters of the fully-connected CRF with two Gaussian kernels (Krähenbühl 2011), by pydensecrf's names.

    The smoothness kernel is `gaussian_compat * exp(-|p_i - p_j|^2 / (2 gaussian_sxy^2))` over positions p, the
    appearance kernel `bilateral_compat * exp(-|p_i - p_j|^2 / (2 bilateral_sxy^2) - |c_i - c_j|^2 /
    (2 bilateral_srgb^2))` over positions and colours c. Both are normalised symmetrically and Potts compatible.

    :param iterations: mean-field updates.
    :param gaussian_sxy: standard deviation of the smoothness kernel, pixels.
    :param gaussian_compat: weight of the smoothness kernel; 0 leaves it out.
    :param bilateral_sxy: standard deviation of the appearance kernel in position, pixels.
    :param bilateral_srgb: standard deviation of the appearance kernel in colour, of 0 to 255.
    :param bilateral_compat: weight of the appearance kernel; 0 leaves it out.
    :param region_max_cost: cost of a region whose pixels disagree (BP eq. 8), where regions are given.
    :raises CrfError: naming the parameter, its value and what is accepted.
    """

    iterations: int = 10
    gaussian_sxy: float = 3.0
    gaussian_compat: float = 3.0
    bilateral_sxy: float = 80.0
    bilateral_srgb: float = 13.0
    bilateral_compat: float = 10.0
    region_max_cost: float = 5.0

    def __post_init__(self) -> None:
        if isinstance(self.iterations, bool) or not isinstance(self.iterations, int) or self.iterations < 0:
            raise CrfError(f"CRF: iterations: got {self.iterations!r}, expected an integer of at least 0")
        for parameter in fields(self)[1:]:
            value = getattr(self, parameter.name)
            is_width = parameter.name.endswith(("sxy", "srgb"))
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if not number or value < 0 or (is_width and value == 0):
                accepted = "more than 0" if is_width else "at least 0"
                raise CrfError(f"CRF: {parameter.name}: got {value!r}, expected a number of {accepted}")

    def scaled(self, factor: float) -> CrfSettings:
        """The same CRF on an image enlarged by `factor`: positions scale, colours do not."""
        return replace(self, gaussian_sxy=self.gaussian_sxy * factor, bilateral_sxy=self.bilateral_sxy * factor)


VIDEO_CRF = CrfSettings(iterations=5, bilateral_sxy=40.0, bilateral_srgb=10.0, bilateral_compat=5.0)
"""What the segmenter runs at a working size near 480x360: half the reach and weight of the example's appearance
kernel, which takes small things away (benchmarks/RESULTS.md has both)."""
