"""The GPU's way from frame to label map, computed here by torch on the CPU (and on CUDA where there is one)."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from support import make_tiny_bundle
from torch.utils._python_dispatch import TorchDispatchMode

from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import EngineOptions, Frame, ModelBundle, VideoSegmenter, create_engine, default_bundle_path
from wsvs_ros.perception.compute.device import OnDevice
from wsvs_ros.perception.compute.device_images import Resize, enlarge, gray, label_maps
from wsvs_ros.perception.compute.device_motion import DeviceMemory, DeviceMotion
from wsvs_ros.perception.compute.host_motion import HostMotion
from wsvs_ros.perception.compute.uploaded_motion import PinnedStages, UploadedMotion
from wsvs_ros.perception.crf import VIDEO_CRF, CrfSettings
from wsvs_ros.perception.cuda.graphs import CapturedFunction
from wsvs_ros.perception.postprocess import to_camera
from wsvs_ros.perception.preprocess import resize_image, to_gray
from wsvs_ros.perception.tracker import FrameTracker

CPU = torch.device("cpu")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))]


SOURCES = [DeviceMotion, UploadedMotion]
device_module = importlib.import_module("wsvs_ros.perception.compute.device")


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


def segment(
    bundle: ModelBundle,
    frames: list[Frame],
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    source: type[DeviceMotion] | type[UploadedMotion] = DeviceMotion,
    **settings,
):
    """What the segmenter finds when it computes on `device`, though that may be a CPU."""

    def on_device(bundle: ModelBundle, options: EngineOptions, **keywords) -> OnDevice:
        engine = create_engine(bundle, EngineOptions("torch", "float32", (device,)))
        return OnDevice(bundle, engine, source(bundle, motion=keywords["motion"], device=device), crf=keywords["crf"])

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


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("device", DEVICES)
def test_a_drive_gets_the_labels_that_the_host_gives(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, device: str, source
) -> None:
    found = segment(bundle, frames[:3], monkeypatch, device, source, motion=False)
    with VideoSegmenter(bundle, motion=False) as segmenter:
        expected = [result for frame in frames[:3] for result in segmenter.push(frame)]
    for one, other in zip(found, expected, strict=True):
        assert one.frame is other.frame
        assert one.labels.shape == one.vehicles.shape == one.confidence.shape == (480, 640)
        assert one.labels.dtype == np.uint8
        assert (one.labels == other.labels).mean() > 0.99
        np.testing.assert_allclose(one.confidence.mean(), other.confidence.mean(), atol=0.01)
        assert one.scores.shape == other.scores.shape
        assert set(one.seconds) == {"resize", "flow", "engine", "labels"}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("device", DEVICES)
def test_each_frame_has_its_own_window_and_results_stay(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, device: str, source
) -> None:
    found = segment(bundle, frames, monkeypatch, device, source, lookahead=2, flow_prior=True)
    with VideoSegmenter(bundle, lookahead=2, flow_prior=True) as segmenter:
        expected = [result for frame in frames for result in segmenter.push(frame)] + segmenter.flush()
    assert [one.frame.stamp_ns for one in found] == [frame.stamp_ns for frame in frames]
    for one, other in zip(found, expected, strict=True):  # read only now, after all frames went through
        assert one.window_filled == other.window_filled
        # torch's flow is not OpenCV's
        assert (one.labels == other.labels).mean() > (0.9 if source is DeviceMotion else 0.999)


@pytest.mark.parametrize("prior", [False, True])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("device", DEVICES)
def test_stacks_are_the_hosts_in_sign_order_and_scale(
    bundle: ModelBundle, frames: list[Frame], device: str, source, prior: bool
) -> None:
    """Two pairs of frames of a different motion each, so that a swap of fields or of u and v, or a sign, shows."""
    image = frames[0].image
    shifts = ((0, 0), (9, 0), (9, -6))  # x and y in the camera's pixels, of which 3/4 is the working size's
    moved = [
        Frame(cv2.warpAffine(image, np.float32([[1, 0, x], [0, 1, y]]), (640, 480), borderMode=cv2.BORDER_REFLECT), n)
        for n, (x, y) in enumerate(shifts)
    ]
    ways = [HostMotion(bundle), source(bundle, motion=True, device=device)]
    trackers = [FrameTracker(bundle, way, lookahead=0, max_gap=1.0, flow_prior=prior) for way in ways]
    for frame in moved:
        (expected,), (found,) = (tracker.add(frame) for tracker in trackers)
        stack = found.stack.cpu().numpy()
        assert stack.shape == expected.stack.shape
        assert not stack[: 2 * (10 - found.filled)].any()
        if source is UploadedMotion and device == "cpu":
            np.testing.assert_array_equal(stack, expected.stack)
    inner = stack[:, 40:-40, 40:-40]
    medians = np.median(inner[-4:].reshape(4, -1), axis=1)
    np.testing.assert_allclose(medians, [6.75, 0, 0, -4.5], atol=0.3)
    assert np.abs(inner - expected.stack[:, 40:-40, 40:-40]).mean() < 0.3


def test_of_a_window_one_field_goes_up_a_frame(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    send = PinnedStages.send

    def counted(stages: PinnedStages, out: torch.Tensor) -> torch.Tensor:
        sent.append(out.nbytes)
        return send(stages, out)

    monkeypatch.setattr(PinnedStages, "send", counted)
    source = UploadedMotion(bundle, motion=True, device="cpu")
    tracker = FrameTracker(bundle, source, lookahead=0, max_gap=1.0)
    for frame in frames[:4]:
        tracker.add(frame)
    pixels = 480 * 360
    assert sent == [3 * pixels] + [3 * pixels, 8 * pixels] * 3


def test_no_stage_is_written_before_its_copy_is_done() -> None:
    done: list[str] = []

    class Stream:
        """As CUDA's: a copy that was asked for happens later."""

        def record_event(self) -> SimpleNamespace:
            name = f"copy {len(done_by_name)}"
            done_by_name.append(name)
            return SimpleNamespace(synchronize=lambda: done.append(name))

    done_by_name: list[str] = []
    memory = DeviceMemory("cpu")
    stages = PinnedStages((2,), torch.float32, memory)
    memory.stream = Stream()
    for value in range(5):
        stages.next()[:] = value
        assert stages.send(torch.empty(2)).tolist() == [value, value]
    assert done == ["copy 0", "copy 1"], "with three stages the fourth array waits for the first one's copy"


@pytest.mark.parametrize("fails", [False, True])
def test_a_crf_is_captured_when_it_is_set_and_the_old_one_stays_if_that_fails(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    captures: list[torch.device] = []

    def recorder(function, device: torch.device):
        captures.append(device)
        if fails and len(captures) > 1:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        result = function()
        return SimpleNamespace(replay=lambda: result.copy_(function())), result

    monkeypatch.setattr(device_module, "captured", lambda function, device: CapturedFunction(function, recorder))
    engine = create_engine(bundle, EngineOptions("torch", "float32", ("cpu",)))
    compute = OnDevice(bundle, engine, UploadedMotion(bundle, motion=False, device="cpu"), crf=VIDEO_CRF)
    assert len(captures) == 1
    (tracked,) = FrameTracker(bundle, compute, lookahead=0, max_gap=1.0).add(frames[0])
    before = compute.infer(tracked)[0].scores.copy()
    assert len(captures) == 1, "captured again, in the midst of a drive"
    if fails:
        with pytest.raises(RuntimeError, match="not permitted"):
            compute.set_crf(CrfSettings(1, bilateral_compat=0))
        np.testing.assert_array_equal(compute.infer(tracked)[0].scores, before)
    else:
        compute.set_crf(CrfSettings(1, bilateral_compat=0))
        assert np.abs(compute.infer(tracked)[0].scores - before).max() > 0.01
    assert len(captures) == 2


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


class Uploads(TorchDispatchMode):
    """Counts the tensors that are made of numbers on the host: each is an upload that the host waits for on CUDA."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += "lift_fresh" in str(func)
        return func(*args, **(kwargs or {}))


def test_a_frame_uploads_nothing_but_itself(
    bundle: ModelBundle, frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(bundle, EngineOptions("torch", "float32", ("cpu",)))
    compute = OnDevice(bundle, engine, DeviceMotion(bundle, motion=False, device="cpu"), crf=VIDEO_CRF)
    planes_of_frame = planes(frames[0].image)
    with Uploads() as made:
        torch.tensor([1.0])
        assert made.count == 1, "torch makes tensors in another way now, so that this test shows nothing"
        gray(planes_of_frame)
    assert made.count == 1, "gray"
    tracker = FrameTracker(bundle, compute, lookahead=0, max_gap=1.0)
    tracker.add(frames[0])
    built: list[object] = []
    for name in ("device", "device_motion"):
        module = importlib.import_module(f"wsvs_ros.perception.compute.{name}")
        monkeypatch.setattr(module, "Resize", lambda *arguments: built.append(arguments))
    (tracked,) = tracker.add(frames[1])
    assert compute.infer(tracked)[0].labels().shape == (480, 640)
    assert not built, "resizing is made anew for a frame, with four uploads"


def test_cuda_where_there_is_none_is_an_error(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    from wsvs_ros.perception.cuda.devices import DeviceError

    with pytest.raises(DeviceError, match="'cuda': torch .* finds 0 CUDA devices here; use cpu"):
        VideoSegmenter(make_tiny_bundle(tmp_path / "tiny"), device="cuda")
