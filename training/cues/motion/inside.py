"""Inside-outside maps: which pixels motion boundaries enclose (Papazoglou and Ferrari 2013, 3.1).

A ray from inside a closed curve crosses it an odd number of times. Boundaries have gaps, so eight rays vote.
"""

from __future__ import annotations

import numpy as np

RAYS = 8


def inside_votes(boundaries: np.ndarray) -> np.ndarray:
    """
    Count the rays of each pixel that say it is inside.

    Cumulative sums along rows, columns and both diagonals count the crossings of all rays at once. A run of
    boundary pixels is one crossing, however thick.

    :param boundaries: (H, W) bool.
    :return: (H, W) uint8, 0 to 8; a majority is 5.
    """
    votes = _along_rows(boundaries) + _along_rows(boundaries.T).T
    return votes + _along_diagonals(boundaries) + _along_diagonals(boundaries[:, ::-1])[:, ::-1]


def _along_rows(boundaries: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 0 to 2: votes of the rays to the left and to the right."""
    begins = boundaries.copy()
    begins[:, 1:] &= ~boundaries[:, :-1]
    until = np.cumsum(begins, axis=1)  # runs that begin here or to the left
    total = until[:, -1:]
    # from within a run the ray leaves through it: one crossing on either side
    right = total - until + boundaries
    return ((until & 1) + (right & 1)).astype(np.uint8)


def _along_diagonals(boundaries: np.ndarray) -> np.ndarray:
    """The same for rays down to the right and up to the left: a shear makes diagonals columns."""
    height, width = boundaries.shape
    sheared = np.zeros((height, height + width - 1), bool)
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    places = columns - rows + height - 1
    sheared[rows, places] = boundaries
    return _along_rows(sheared.T).T[rows, places]
