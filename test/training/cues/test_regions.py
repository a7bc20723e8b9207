from __future__ import annotations

import numpy as np
import pytest

from training.cues.regions import find_regions
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception.crf import CrfError


@pytest.mark.parametrize("method", ["felzenszwalb", "slic"])
def test_regions_cover_the_image_and_follow_its_edges(method: str) -> None:
    image = np.full((80, 120, 3), 40, np.uint8)
    image[20:60, 30:90] = (200, 180, 90)
    regions = find_regions(image, method)
    assert regions.shape == (80, 120)
    assert regions.dtype == np.int32
    assert set(regions[23:57, 33:87].ravel()).isdisjoint(regions[:17].ravel())


def test_a_road_scene_has_many_regions_of_many_pixels() -> None:
    regions = find_regions(next(iter(SyntheticDrive((480, 360), frames=1))).image)
    _, sizes = np.unique(regions, return_counts=True)
    assert 10 < len(sizes) < regions.size / 100
    assert sizes.min() >= 100


def test_what_is_no_image_or_method_is_refused() -> None:
    with pytest.raises(CrfError, match="'watershed': expected felzenszwalb or slic"):
        find_regions(np.zeros((8, 9, 3), np.uint8), "watershed")
    with pytest.raises(CrfError, match=r"\(8, 9\) uint8, expected \(H, W, 3\)"):
        find_regions(np.zeros((8, 9), np.uint8))
