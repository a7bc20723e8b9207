"""Files of trained weights."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from wsvs_ros.errors import WsvsError

FORMAT = 2
"""Of checkpoints. Since 2 features lie at one place whatever the input's size."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """
    Read a checkpoint.

    :raises WsvsError: if the file is none, or one of another version of the network.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        steps, state = content["global_step"], content["state_dict"]
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, UnpicklingError) as error:
        raise WsvsError(f"{path}: not a checkpoint ({type(error).__name__})") from error
    assert isinstance(steps, int)
    assert isinstance(state, dict)
    if content.get("format", 1) != FORMAT:
        raise WsvsError(
            f"{path}: of another version of the network, whose features lie elsewhere; train anew in another --work, "
            "or go on with the version that began"
        )
    return content
