"""Regions of an image whose pixels belong together, for the CRF's higher-order term (BP 3.1.3)."""

from __future__ import annotations

import numpy as np

from wsvs_ros.perception.crf.settings import CrfError


def find_regions(image: np.ndarray, method: str = "felzenszwalb") -> np.ndarray:
    """
    Segment an image into regions without any training.

    BP takes the regions of a boundary detector; any label map serves, these two come with scikit-image.

    :param image: (H, W, 3) uint8, RGB or BGR.
    :param method: `felzenszwalb` (uneven regions that follow edges) or `slic` (even, compact superpixels).
    :return: (H, W) int32, a number a region, from 0.
    :raises CrfError: if there is no such method, scikit-image is missing, or the image is none.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise CrfError(f"regions: image is {image.shape} {image.dtype}, expected (H, W, 3) uint8, none of them 0")
    if method not in ("felzenszwalb", "slic"):
        raise CrfError(f"regions: method {method!r}: expected felzenszwalb or slic")
    try:
        from skimage import segmentation
    except ImportError as error:
        raise CrfError(f"regions: scikit-image cannot be loaded ({error}); pip install 'wsvs_ros[crf]'") from error
    if method == "slic":
        regions = segmentation.slic(image, n_segments=max(1, image[..., 0].size // 400), compactness=10, start_label=0)
    else:
        regions = segmentation.felzenszwalb(image, scale=100, sigma=0.8, min_size=100)
    return regions.astype(np.int32)
