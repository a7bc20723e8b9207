"""The GPU's way from frame to label map, computed here by torch on the CPU (and on CUDA where there is one)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from support import make_tiny_bundle

from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import EngineOptions, Frame, ModelBundle, VideoSegmenter, create_engine, default_bundle_path
from wsvs_ros.perception.compute.device import OnDevice
from wsvs_ros.perception.compute.device_images import Resize, enlarge, gray, label_maps
from wsvs_ros.perception.crf import VIDEO_CRF
from wsvs_ros.perception.postprocess import to_camera
from wsvs_ros.perception.preprocess import resize_image, to_gray

CPU = torch.device("cpu")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))]


def planes(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None]


@pytest.mark.parametrize(
    "source", [(960, 720), (1280, 960), (1920, 1080), (721, 555), (480, 360), (320, 240), (640, 200)]
)
def test_images_are_resized_as_on_the_host(source: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (source[1], source[0], 3), np.uint8)
    found = Resize(source, (480, 360), CPU)(planes(image))[0].permute(1, 2, 0).numpy()
    expected = resize_image(image, (480, 360))
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.2  # OpenCV enlarges in fixed point


def test_gray_is_as_on_the_host() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    found = gray(planes(image).flip(1))[0, 0].numpy()
    assert np.abs(found.astype(int) - to_gray(image)).max() <= 1


@pytest.mark.parametrize("size", [(96, 72), (50, 37), (192, 144), (211, 101)])
def test_label_maps_are_as_on_the_host(size: tuple[int, int]) -> None:
    scores = torch.rand((1, 11, 9, 12), generator=torch.Generator().manual_seed(0)).softmax(1)
    labels, confidence = label_maps(scores, (96, 72), size)
    expected = to_camera(scores[0].numpy(), (96, 72), size)
    assert labels.dtype == torch.uint8
    assert (labels.numpy() == expected[0]).mean() > 0.999
    np.testing.assert_allclose(confidence.numpy(), expected[1], atol=1e-5)


@pytest.mark.parametrize("size", [(7, 5), (20, 11), (3, 30)])
def test_ids_are_enlarged_to_the_nearest(size: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).integers(0, 11, (5, 7), np.uint8)
    expected = cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST_EXACT)
    np.testing.assert_array_equal(enlarge(torch.from_numpy(plane), size).numpy(), expected)


def segment(bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, device: str, **settings):
    """What the segmenter finds when it computes on `device`, though that may be a CPU."""

    def on_device(bundle: ModelBundle, options: EngineOptions, **keywords) -> OnDevice:
        engine = create_engine(bundle, EngineOptions("torch", "float32", (device,)))
        return OnDevice(bundle, engine, **{**keywords, "device": device})

    with monkeypatch.context() as patch:
        patch.setattr("wsvs_ros.perception.segmenter.create_compute", on_device)
        with VideoSegmenter(bundle, **settings) as segmenter:
            return [found for frame in frames for found in segmenter.push(frame)] + segmenter.flush()


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load(default_bundle_path())


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return list(SyntheticDrive((640, 480), frames=5, seed=5, fps=10))


@pytest.mark.parametrize("device", DEVICES)
def test_a_drive_gets_the_labels_that_the_host_gives(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    found = segment(bundle, frames, monkeypatch, device, motion=False)
    with VideoSegmenter(bundle, motion=False) as segmenter:
        expected = [result for frame in frames for result in segmenter.push(frame)]
    for one, other in zip(found, expected, strict=True):
        assert one.frame is other.frame
        assert one.labels.shape == one.vehicles.shape == one.confidence.shape == (480, 640)
        assert one.labels.dtype == np.uint8
        assert (one.labels == other.labels).mean() > 0.99
        np.testing.assert_allclose(one.confidence.mean(), other.confidence.mean(), atol=0.01)
        assert one.scores.shape == other.scores.shape
        assert set(one.seconds) == {"resize", "flow", "engine", "labels"}


@pytest.mark.parametrize("device", DEVICES)
def test_each_frame_has_its_own_window_and_results_stay(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    found = segment(bundle, frames, monkeypatch, device, lookahead=2, flow_prior=True)
    with VideoSegmenter(bundle, lookahead=2) as segmenter:
        expected = [result for frame in frames for result in segmenter.push(frame)] + segmenter.flush()
    assert [one.frame.stamp_ns for one in found] == [frame.stamp_ns for frame in frames]
    for one, other in zip(found, expected, strict=True):  # read only now, after all frames went through
        assert one.window_filled == other.window_filled
        assert (one.labels == other.labels).mean() > 0.9  # torch's flow is not OpenCV's


@pytest.mark.parametrize("device", DEVICES)
def test_the_crf_is_the_hosts(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    (found,) = segment(bundle, frames[:1], monkeypatch, device, crf=VIDEO_CRF)
    (plain,) = segment(bundle, frames[:1], monkeypatch, device)
    with VideoSegmenter(bundle, crf=VIDEO_CRF) as segmenter:
        (expected,) = segmenter.push(frames[0])
    assert found.scores.shape == expected.scores.shape == (11, 180, 240)
    assert (found.labels == expected.labels).mean() > 0.98
    assert (found.labels != plain.labels).any()
    assert "crf" in found.seconds


def test_cuda_where_there_is_none_is_an_error(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    from wsvs_ros.perception.cuda.devices import DeviceError

    with pytest.raises(DeviceError, match="'cuda': torch .* finds 0 CUDA devices here; use cpu"):
        VideoSegmenter(make_tiny_bundle(tmp_path / "tiny"), device="cuda")
