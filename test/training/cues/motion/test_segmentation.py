"""What moves by itself, on a shot whose moving car is known, on its parts by hand, and on real frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("maxflow", reason="graph cuts need PyMaxflow: pip install 'wsvs_ros[train]'")

import itertools

from moving_car import iou, render_passing_car, shot_of

from training.config.cues import MotionSegmentation
from training.cues.motion.boundaries import motion_boundaries
from training.cues.motion.inside import RAYS, inside_votes
from training.cues.motion.location import object_location
from training.cues.motion.masks import motion_masks
from training.cues.motion.segmentation import segment_shot
from training.cues.motion.shots import reliable_frames


def test_the_flow_of_a_still_or_panning_camera_has_no_boundary() -> None:
    assert motion_boundaries(np.full((2, 20, 30), 3.0, np.float32)).max() == 0


def test_a_square_that_moves_is_bounded_where_it_ends() -> None:
    flow = np.zeros((2, 40, 40), np.float32)
    flow[0, 10:30, 10:30] = 4
    found = motion_boundaries(flow) > 0.5
    assert found[10, 10:30].all()
    assert found[10:30, 29].all()
    assert not found[13:27, 13:27].any()
    assert not found[:8].any()


def test_a_boundary_of_fast_flow_has_to_be_stronger() -> None:
    slow = np.zeros((2, 40, 40), np.float32)
    slow[0, :, 20:] = 2
    fast = slow.copy()
    fast[1] = 60
    assert motion_boundaries(slow).max() > motion_boundaries(fast).max()


@pytest.mark.parametrize("inside", [(20, 20), (11, 11), (28, 15)])
def test_all_rays_of_a_closed_curve_say_what_is_inside(inside: tuple[int, int]) -> None:
    curve = np.zeros((40, 50), bool)
    curve[10:30, [10, 29]] = curve[[10, 29], 10:30] = True
    votes = inside_votes(curve)
    assert votes[inside] == RAYS
    assert votes[5, 5] <= RAYS // 2
    assert votes[35, 45] <= RAYS // 2


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_votes_are_those_of_rays_that_are_walked(seed: int, height: int, width: int) -> None:
    curve = np.random.default_rng(seed).random((height, width)) < 0.3
    found = inside_votes(curve)
    for y in range(height):
        for x in range(width):
            crossings = [_crossings(curve, y, x, down, right) for down, right in _DIRECTIONS]
            assert found[y, x] == sum(count % 2 for count in crossings)


_DIRECTIONS = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)]


def _crossings(curve: np.ndarray, y: int, x: int, down: int, right: int) -> int:
    """Runs of boundary pixels that a ray meets, from its own pixel on."""
    runs, on = 0, False
    while 0 <= y < curve.shape[0] and 0 <= x < curve.shape[1]:
        runs += bool(curve[y, x]) and not on
        on = bool(curve[y, x])
        y, x = y + down, x + right
    return runs


def test_evidence_travels_with_the_flow() -> None:
    """A square is seen in the first frame only; two frames on it is expected where the flow takes it."""
    forward, backward = np.zeros((2, 2, 2, 120, 160), np.float32)
    forward[0, 0, 40:80, 40:80] = 8
    backward[0, 0, 40:80, 48:88] = -8
    backward[1, 0, 40:80, 48:88] = forward[1, 0, 40:80, 48:88] = 0.2  # too slow for a boundary
    location = object_location(forward, backward, memory=0.9)
    # one of three frames, and in the second one of two fields, which is no majority of the votes
    assert location[0, 60, 60] == pytest.approx(1 / (1 + 0.9 + 0.81), abs=0.05)
    assert 0.2 < location[2, 60, 68] < location[1, 60, 68] < location[0, 60, 60]  # it fades
    assert location[:, 5, 150].max() < 0.1


@pytest.fixture(scope="module")
def passing() -> tuple[np.ndarray, np.ndarray]:
    return render_passing_car()


def test_the_car_that_drives_by_is_recovered(passing: tuple[np.ndarray, np.ndarray]) -> None:
    frames, truth = passing
    masks = motion_masks(shot_of("street/0", frames), MotionSegmentation())
    assert masks.shape == (24, 60, 80)
    assert np.mean([iou(mask, true) for mask, true in zip(masks, truth, strict=True)]) > 0.8


def test_the_energy_never_rises(passing: tuple[np.ndarray, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    frames = passing[0][:6, ::4, ::4].copy()
    for scale in (0.1, 2.0, 20.0):
        flow = rng.normal(0, scale, (2, 5, 2, *frames.shape[1:3])).astype(np.float32)
        energies = segment_shot(frames, *flow, MotionSegmentation(cell=2, rounds=6)).energies
        assert all(later <= earlier for earlier, later in itertools.pairwise(energies))
    found = segment_shot(frames, *flow, MotionSegmentation(cell=2, rounds=1)).energies
    assert found == energies[:1]


def test_long_shots_are_cut_into_pieces_without_losing_a_frame(passing: tuple[np.ndarray, np.ndarray]) -> None:
    frames = np.concatenate([passing[0][:, ::4, ::4]] * 4)[:67]
    assert motion_masks(shot_of("street/0", frames), MotionSegmentation()).shape == (67, 15, 20)
    assert motion_masks(shot_of("street/0", frames[:1]), MotionSegmentation()).sum() == 0


def test_flow_of_another_shape_is_refused(passing: tuple[np.ndarray, np.ndarray]) -> None:
    flow = np.zeros((23, 2, 240, 320), np.float32)
    with pytest.raises(ValueError, match=r"\(22, 2, 240, 320\)"):
        segment_shot(passing[0], flow, flow[:-1], MotionSegmentation())


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.1] * 25, range(25)),
        ([0.1] * 19, range(0)),
        ([0.0] * 3 + [0.025] * 20 + [0.6] + [0.5] * 22, range(24, 46)),  # both ends count; the longer run
        ([0.1] * 20 + [0.0] + [0.1] * 20, range(20)),
        ([], range(0)),
    ],
)
def test_a_shot_is_learnt_from_where_something_but_not_everything_moves(shares: list[float], expected: range) -> None:
    assert reliable_frames(np.array(shares), MotionSegmentation()) == expected


@pytest.mark.parametrize(("clip", "least"), [("car-shadow", 0.6), ("drift-straight", 0.6)])
def test_real_cars_that_drive_by(shared_data: Path, clip: str, least: float) -> None:
    folder = shared_data / "labelled_video" / f"davis_{clip}"
    images = sorted((folder / "images").glob("*.jpg"))
    frames = np.stack([cv2.resize(cv2.imread(str(path))[..., ::-1], (480, 270)) for path in images])
    masks = motion_masks(shot_of("davis/0", frames), MotionSegmentation())
    truths = [cv2.imread(str(folder / "masks" / f"{path.stem}.png"), 0) > 0 for path in images]
    assert np.mean([iou(mask, truth) for mask, truth in zip(masks, truths, strict=True)]) > least
