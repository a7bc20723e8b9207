"""What every flow keeps: motion found, batches, guesses, bad input."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from flow_scenes import shifted_pair, texture, zoomed_pair
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.flow import Pair, end_point_error, load_pair
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.cuda.devices import DeviceError
from wsvs_ros.perception.flow import FlowAlgorithm, FlowError, create_flow
from wsvs_ros.perception.flow.brox import brox_flow, brox_preset
from wsvs_ros.perception.flow.dis import dis_flow
from wsvs_ros.perception.flow.presets import DIS_PRESETS, dis_preset
from wsvs_ros.perception.flow.torch_flow import TorchFlow

CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))


def torch_dis(preset: str, device: str = "cpu") -> FlowAlgorithm:
    return TorchFlow(f"dis-{preset}", lambda *images: dis_flow(*images, preset=dis_preset(preset)), device)


def brox(preset: str = "balanced", device: str = "cpu") -> FlowAlgorithm:
    return TorchFlow(f"brox-{preset}", lambda *images: brox_flow(*images, preset=brox_preset(preset)), device)


def opencv_dis(preset: str) -> FlowAlgorithm:
    return create_flow(FlowSettings("dis", preset))


FLOWS = {
    **{f"opencv {preset}": opencv_dis(preset) for preset in DIS_PRESETS},
    **{f"torch {preset}": torch_dis(preset) for preset in DIS_PRESETS},
    "brox fast": brox("fast"),
    "brox balanced": brox(),
}
every_flow = pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())


@every_flow
@pytest.mark.parametrize("shift", [(3, -2), (-5, 1)])
def test_a_shift_is_recovered(flow: FlowAlgorithm, shift: tuple[int, int]) -> None:
    previous, current = shifted_pair(*shift)
    field = flow(previous, current)
    assert field.shape == (2, 120, 160)
    assert field.dtype == np.float32
    error = np.hypot(field[0] - shift[0], field[1] - shift[1])[16:-16, 16:-16]
    # without refinement torch's is as exact as quarter pixels matched whole: nothing draws a patch to its neighbours
    coarse = 0.4 if "ultrafast" in flow.name else 0.3
    assert error.mean() < (coarse if "fast" in flow.name and "dis" in flow.name else 0.1)


@every_flow
@pytest.mark.parametrize("factor", [1.05, 0.95])
def test_a_zoom_is_recovered(flow: FlowAlgorithm, factor: float) -> None:
    previous, current, truth = zoomed_pair(factor)
    error = np.hypot(*(flow(previous, current) - truth))[16:-16, 16:-16]
    assert np.hypot(*truth)[16:-16, 16:-16].mean() > 2
    assert error.mean() < (0.35 if "fast" in flow.name and "dis" in flow.name else 0.12)


@every_flow
def test_nothing_moves_between_equal_images(flow: FlowAlgorithm) -> None:
    image = texture(160, 120)
    assert np.abs(flow(image, image)).max() < 1e-3


@every_flow
@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_images_have_no_motion(flow: FlowAlgorithm, value: int) -> None:
    assert np.abs(flow(np.full((60, 80), value, np.uint8), np.full((60, 80), value, np.uint8))).max() < 1e-3
    # a change of brightness moves nothing either
    assert np.abs(flow(np.full((60, 80), 100, np.uint8), np.full((60, 80), 110, np.uint8))).max() < 1e-3


@every_flow
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 150), st.integers(1, 40), st.booleans(), st.integers(0, 9))
def test_odd_sizes_and_noise_give_finite_flow(
    flow: FlowAlgorithm, long: int, short: int, upright: bool, seed: int
) -> None:
    size = (long, short) if upright else (short, long)
    random = np.random.default_rng(seed)
    previous, current = (random.integers(0, 256, size, np.uint8) for _ in range(2))
    field = flow(previous, current)
    assert field.shape == (2, *size)
    assert np.isfinite(field).all()
    assert np.abs(field).max() < 1e4


@every_flow
def test_a_batch_is_as_good_as_one_by_one(flow: FlowAlgorithm) -> None:
    pairs = [shifted_pair(u, 1, (96, 72), seed=u + 3) for u in range(-3, 4)]
    previous, current = (np.stack(images) for images in zip(*pairs, strict=True))
    together = flow.batch(previous, current)
    alone = np.stack([flow(*pair) for pair in pairs])
    assert together.shape == (7, 2, 72, 96)
    np.testing.assert_allclose(together, alone, atol=1e-2)
    assert flow.batch(previous[:0], current[:0]).shape == (0, 2, 72, 96)


@every_flow
def test_the_field_is_written_where_it_is_wanted_whatever_was_there(flow: FlowAlgorithm) -> None:
    previous, current = shifted_pair(3, 2)
    out = np.full((2, 120, 160), np.nan, np.float32)
    assert flow(previous, current, out=out) is out
    np.testing.assert_allclose(out, flow(previous, current), atol=1e-3)


@every_flow
def test_a_good_guess_finds_what_is_out_of_reach(flow: FlowAlgorithm) -> None:
    # stripes 20 pixels apart: which of them is which only a faint texture tells, which no search gets to see
    stripes = 120 + 90 * np.sin(np.arange(220) * 2 * np.pi / 20) + 0.15 * texture(220, 120)
    previous, current = stripes[:, 40:200].astype(np.uint8), stripes[:, 17:177].astype(np.uint8)
    guess = np.zeros((2, 120, 160), np.float32)
    guess[0] = 23
    inside = np.s_[0, 16:-16, 40:-40]
    assert abs(np.median(flow(previous, current)[inside]) - 3) < 0.5
    assert abs(np.median(flow(previous, current, initial=guess)[inside]) - 23) < 2


@every_flow
def test_a_guess_is_forgotten_after_its_pair(flow: FlowAlgorithm) -> None:
    random = np.random.default_rng(0)
    previous, current = (random.integers(0, 256, (72, 96), np.uint8) for _ in range(2))
    before = flow(previous, current)
    guided = flow(previous, current, initial=before + 5)
    assert np.abs(guided - before).max() > 1e-3
    np.testing.assert_array_equal(flow(previous, current), before)


@pytest.mark.parametrize("preset", DIS_PRESETS)
@pytest.mark.parametrize("shift", [(24, 0), (-18, 6)])
def test_torch_dis_finds_a_motion_of_three_patches(preset: str, shift: tuple[int, int]) -> None:
    previous, current = shifted_pair(*shift)
    field = torch_dis(preset)(previous, current)[:, 30:-30, 40:-40]
    assert np.hypot(field[0] - shift[0], field[1] - shift[1]).mean() < 0.5


@every_flow
def test_images_that_do_not_fit_are_refused_with_both_shapes(flow: FlowAlgorithm) -> None:
    gray = np.zeros((60, 80), np.uint8)
    with pytest.raises(FlowError, match=r"previous is \(60, 80\) uint8 and current is \(60, 81\) uint8"):
        flow(gray, np.zeros((60, 81), np.uint8))
    with pytest.raises(FlowError, match="float32"):
        flow(gray, gray.astype(np.float32))
    with pytest.raises(FlowError, match=r"\(60, 80, 3\)"):
        flow(np.zeros((60, 80, 3), np.uint8), np.zeros((60, 80, 3), np.uint8))
    with pytest.raises(FlowError, match=r"\(0, 80\)"):
        flow(gray[:0], gray[:0])
    with pytest.raises(FlowError, match=r"out is \(2, 80, 60\) float32, expected \(2, 60, 80\)"):
        flow(gray, gray, out=np.zeros((2, 80, 60), np.float32))
    with pytest.raises(FlowError, match="contiguous"):
        flow(gray, gray, out=np.zeros((60, 80, 2), np.float32).transpose(2, 0, 1))
    with pytest.raises(FlowError, match=r"initial is \(2, 60, 81\) float32"):
        flow(gray, gray, initial=np.zeros((2, 60, 81), np.float32))
    with pytest.raises(FlowError, match="initial has NaN"):
        flow(gray, gray, initial=np.full((2, 60, 80), np.nan, np.float32))
    with pytest.raises(FlowError, match=r"\(60, 80\) uint8, expected two gray uint8 images of the same \(B, H, W\)"):
        flow.batch(gray, gray)


def real_pairs(shared_data: Path) -> list[Pair]:
    return [load_pair(path.parent) for path in sorted((shared_data / "flow").glob("*/flow12.flo"))]


def rendered_pairs() -> list[Pair]:
    frames = list(SyntheticDrive((480, 360), frames=32, fps=15).truth())
    pairs = []
    for index in (1, 31):
        grays = [cv2.cvtColor(frames[k].frame.image, cv2.COLOR_BGR2GRAY) for k in (index - 1, index)]
        pairs.append(Pair(f"{index}", grays[0], grays[1], frames[index].flow, frames[index].valid))
    return pairs


def mean_error(flow: FlowAlgorithm, pairs: list[Pair]) -> float:
    return float(np.mean([end_point_error(flow(pair.previous, pair.current), pair) for pair in pairs]))


@pytest.mark.parametrize("preset", ["ultrafast", "fast", "balanced"])
def test_torch_dis_is_as_accurate_as_opencvs(shared_data: Path, preset: str) -> None:
    for pairs in (real_pairs(shared_data), rendered_pairs()):
        assert mean_error(torch_dis(preset), pairs) < 1.02 * mean_error(opencv_dis(preset), pairs)


def test_yaw_beside_a_flat_sky_is_as_accurate_as_opencvs(shared_data: Path) -> None:
    # noise in the sky made wrong vectors look better than right ones, and they spread
    [yaw] = [pair for pair in real_pairs(shared_data) if pair.name == "synthmotion_yaw"]
    for preset in ("ultrafast", "fast", "balanced"):
        assert mean_error(torch_dis(preset), [yaw]) < 1.02 * mean_error(opencv_dis(preset), [yaw])


def test_brox_is_the_most_accurate_on_small_motions(shared_data: Path) -> None:
    pairs = [pair for pair in real_pairs(shared_data) if pair.name.startswith("synthmotion")]
    assert len(pairs) == 3
    best = mean_error(brox(), pairs)
    assert best < 0.6 * mean_error(opencv_dis("fine"), pairs)
    assert best < 0.6 * mean_error(torch_dis("balanced"), pairs)


@pytest.mark.parametrize("device", [CUDA])
@pytest.mark.parametrize("kind", [torch_dis, brox])
def test_cuda_answers_as_the_cpu_captured_and_batched(kind: object, device: str) -> None:
    previous, current = shifted_pair(4, -2, (320, 240))
    on_cpu, on_cuda = kind("balanced"), kind("balanced", device)  # type: ignore[operator]
    expected = on_cpu(previous, current)
    for _ in range(2):
        assert np.median(np.abs(on_cuda(previous, current) - expected)) < 1e-2
    batched = on_cuda.batch(np.stack([previous] * 3), np.stack([current] * 3))
    assert np.median(np.abs(batched - expected)) < 1e-2


def test_an_unknown_algorithm_preset_or_device_names_those_there_are() -> None:
    with pytest.raises(FlowError, match="'raft': expected dis or brox"):
        create_flow(FlowSettings("raft", "fast"))
    with pytest.raises(FlowError, match="'medium': expected one of ultrafast, fast, balanced, fine"):
        create_flow(FlowSettings("dis", "medium"))
    with pytest.raises(FlowError, match="'ultrafast': brox has fast, balanced, fine"):
        create_flow(FlowSettings("brox", "ultrafast"))
    with pytest.raises(DeviceError, match="device 'tpu': expected cpu, cuda"):
        create_flow(FlowSettings("dis", "fast"), "tpu")
    assert create_flow(FlowSettings("dis", "balanced")).name == "dis-balanced"
    assert create_flow(FlowSettings("brox", "fast")).name == "brox-fast-torch-cpu"
