"""What an engine is to the rest of the package."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wsvs_ros.errors import WsvsError


class EngineError(WsvsError):
    """An engine is unknown, not installed, or failed to run the network."""


class Engine(Protocol):
    """Runs a bundle's network; one call at a time."""

    name: str

    def infer(self, image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """
        Class scores of one frame.

        :param image: (3, H, W) uint8 RGB at the bundle's working size.
        :param flow: (2L, H, W) float32, oldest field first, u before v, pixels per frame.
        :return: (N, h, w) float32 softmax probabilities, h <= H and w <= W; a new array at every call.
        :raises EngineError: if the network cannot be run.
        """

    def close(self) -> None:
        """Free what the engine holds; it cannot be used afterwards."""
