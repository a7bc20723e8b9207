"""Variables of MATLAB files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.datasets.errors import DatasetError


def read_matrix(path: Path, name: str) -> np.ndarray:
    """
    Read a variable.

    :raises DatasetError: if the file is none of MATLAB's or lacks it.
    """
    from scipy.io import loadmat

    try:
        return np.asarray(loadmat(path)[name])
    except Exception as error:  # whatever a broken file makes the parser stumble over
        raise DatasetError(f"{path}: not a MATLAB file with {name}: {error}") from error
