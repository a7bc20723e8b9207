"""The network in every engine that runs here, and a frame's whole way from camera image to label map."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks.gpu.parts import Row, without_gpu
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import EngineOptions, Frame, ModelBundle, VideoSegmenter, create_engine, default_bundle_path
from wsvs_ros.perception.engines.create import engine_statuses

_SIZES = ((480, 360), (1024, 512))
_WANTED_MS = 5.0  # from frame to label map at 1024x512
_PERIOD_NS = 33_333_333
_WARM_UP = 5
_FRAMES = 60
_PRECISIONS = ("float32", "float16", "int8")


def engines() -> Iterator[Row]:
    """Each engine and precision beside the bundle's program on torch's CPU: error, agreement, start and time."""
    missing = without_gpu()
    if missing:
        yield missing
    bundle = ModelBundle.load(default_bundle_path())
    image, flow = example(bundle)
    reference = create_engine(bundle, EngineOptions("torch", "float32", ("cpu",)))
    expected = reference.infer(image, flow).copy()
    reference.close()
    failed = []
    for status in engine_statuses(bundle):
        name = f"{status.engine} on {status.provider}"
        if status.reason is not None:
            yield {"what": name, "not here": status.reason}
            continue
        for precision in _PRECISIONS:
            try:
                yield measure(
                    bundle, EngineOptions(status.engine, precision, (status.provider,)), image, flow, expected
                )
            except Exception as error:  # of any library: the other engines are still to be measured
                yield {"what": f"{name}, {precision}", "error": f"{type(error).__name__}: {error}"[:500]}
                if status.provider != "cpu" and precision != "int8":
                    failed.append(f"{name}, {precision}")
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")


def example(bundle: ModelBundle) -> tuple[np.ndarray, np.ndarray]:
    """A rendered frame (3, H, W) uint8 RGB and a flow stack (2L, H, W), its own true flow over and over."""
    item = list(SyntheticDrive(bundle.working_size, frames=2).truth())[1]
    stack = np.tile(item.flow.astype(np.float32), (bundle.window_length, 1, 1))
    return np.ascontiguousarray(item.frame.image[..., ::-1].transpose(2, 0, 1)), np.nan_to_num(stack)


def measure(
    bundle: ModelBundle, options: EngineOptions, image: np.ndarray, flow: np.ndarray, expected: np.ndarray
) -> Row:
    """One engine: start to first answer, how far that is from what is expected, and the median time of an inference."""
    start = time.perf_counter()
    engine = create_engine(bundle, options)
    try:
        scores = engine.infer(image, flow).copy()
        started, times = time.perf_counter() - start, []
        for _ in range(_FRAMES if options.providers != ("cpu",) else _WARM_UP):
            begin = time.perf_counter()
            engine.infer(image, flow)
            times.append(time.perf_counter() - begin)
        return {
            "what": f"{engine.name}, asked for {options.precision}",
            "largest difference": float(np.abs(scores - expected).max()),
            "same label, %": 100 * float((scores.argmax(0) == expected.argmax(0)).mean()),
            "start s": started,
            "ms from host to host": 1e3 * float(np.median(times)),
        }
    finally:
        engine.close()


def frame() -> Iterator[Row]:
    """The segmenter on both devices: time from frame to label map, memory, and whether the two say the same."""
    missing = without_gpu()
    if missing:
        yield missing
    bundle = ModelBundle.load(default_bundle_path())
    for size in _SIZES[:1] if missing else _SIZES:
        images = [item.image for item in SyntheticDrive(size, frames=15)]
        count = 2 * _WARM_UP if missing else _FRAMES
        host, labels = whole_way(bundle, images, "cpu", count)
        yield host
        if missing:
            continue
        for row, found in (whole_way(bundle, images, "cuda", count), whole_way(bundle, images, "cuda", count, "torch")):
            row["same label as on cpu, %"] = 100 * float((found == labels).mean())
            if size == _SIZES[-1]:
                row["wanted ms"] = _WANTED_MS
            yield row


def whole_way(
    bundle: ModelBundle, images: list[np.ndarray], device: str, count: int, engine: str = "auto"
) -> tuple[Row, np.ndarray]:
    """Push frames there and back through a rendered drive, and wait for each label map; the last one is returned."""
    import torch

    on_gpu = device != "cpu"
    order = [*images, *images[-2:0:-1]]
    times = []
    options = EngineOptions(engine) if on_gpu else EngineOptions(engine, "float32", ("cpu",))
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    with VideoSegmenter(bundle, engine=options, device=device, lookahead=0) as segmenter:
        for index in range(count):
            image = order[index % len(order)]
            start = time.perf_counter()
            (result,) = segmenter.push(Frame(image, index * _PERIOD_NS))
            labels = result.labels
            times.append(time.perf_counter() - start)
        name = segmenter.engine_name
        row: Row = {
            "what": f"frame to label map, {images[0].shape[1]}x{images[0].shape[0]}, flow on {device}, {name}",
            "ms": 1e3 * float(np.median(times[_WARM_UP:])),
            "p95 ms": 1e3 * float(np.quantile(times[_WARM_UP:], 0.95)),
            "process peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        }
        if on_gpu:
            free, total = torch.cuda.mem_get_info()
            row["device MB in use"] = (total - free) / 1e6
            row["torch's peak MB"] = torch.cuda.max_memory_allocated() / 1e6
    return row, cv2.resize(labels, (images[0].shape[1], images[0].shape[0]), None, 0, 0, cv2.INTER_NEAREST)
