"""What the segmenter computes with."""

from __future__ import annotations

from typing import Any, Protocol

from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.segmentation import NetworkOutput
from wsvs_ros.perception.tracker import MotionCompute, TrackedFrame


class Compute(MotionCompute, Protocol):
    """The whole way from a camera image to a label map, on one kind of memory."""

    engine: Any
    way: str
    """Where flow and window are, in words."""

    def set_crf(self, crf: CrfSettings | None) -> None:
        """
        Refine the scores of the next frames by this CRF, or leave them.

        :raises CrfError: if it is not available here; all stays as it was.
        """

    def infer(self, tracked: TrackedFrame) -> tuple[NetworkOutput, dict[str, float]]:
        """
        Run the network on a frame with its window, and the CRF if there is one.

        :return: what it found, and the seconds of the stages `resize`, `engine` and, with a CRF, `crf`.
        """

    def close(self) -> None:
        """Free the engine."""
