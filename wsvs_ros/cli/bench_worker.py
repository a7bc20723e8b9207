"""Measures one engine in a process of its own, so that neither memory nor start is another's."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np

_WARM_UP = 5
_PERIOD_NS = 33_333_333
_DEPTH = 3  # frames on their way at once, in the pipelined run


def measure(settings: dict[str, Any]) -> dict[str, Any]:
    """
    Load an engine and push frames through the segmenter.

    :param settings: `bundle`, `engine`, `provider`, `precision`, `threads`, `device`, `size`, `count`, and `began`, the
        time at which the process was started.
    :return: milliseconds, frames per second, seconds and megabytes by name.
    """
    from wsvs_ros.drives.synthetic import SyntheticDrive
    from wsvs_ros.perception import EngineOptions, Frame, ModelBundle, VideoSegmenter, create_engine

    bundle = ModelBundle.load(settings["bundle"])
    options = EngineOptions(settings["engine"], settings["precision"], (settings["provider"],), settings["threads"])
    black = np.zeros((settings["size"][1], settings["size"][0], 3), np.uint8)
    begin = time.perf_counter()
    with VideoSegmenter(bundle, engine=options, device=settings["device"]) as segmenter:
        loaded = time.perf_counter()
        assert segmenter.push(Frame(black, 0))[0].labels.shape == black.shape[:2]
        started = time.time() - settings["began"]
        distinct = [frame.image for frame in SyntheticDrive(tuple(settings["size"]), frames=20, seed=5, fps=30)]
        there_and_back = distinct + distinct[-2:0:-1]
        images = [there_and_back[index % len(there_and_back)] for index in range(_WARM_UP + settings["count"])]
        frames = [Frame(image, index * _PERIOD_NS) for index, image in enumerate(images, start=1)]
        latencies = [_seconds(lambda frame=frame: segmenter.push(frame)[0].labels) for frame in frames]
        on_their_way = []
        pipelined = time.perf_counter()
        for frame in frames:
            late = Frame(frame.image, frame.stamp_ns + len(frames) * _PERIOD_NS)
            on_their_way.append(segmenter.push(late)[0])
            if len(on_their_way) == _DEPTH:
                assert on_their_way.pop(0).labels.size
        assert all(result.labels.size for result in on_their_way)
        pipelined = time.perf_counter() - pipelined
    engine = create_engine(bundle, options)
    random = np.random.default_rng(0)
    image = random.integers(0, 256, bundle.input_shapes["image"][1:], np.uint8)
    flow = random.normal(0, 2, bundle.input_shapes["flow"][1:]).astype(np.float32)
    alone = [_seconds(lambda: engine.infer(image, flow)) for _ in range(_WARM_UP + settings["count"])]
    engine.close()
    return {
        "engine_ms": _percentiles(alone),
        "segmenter_ms": _percentiles(latencies),
        "fps": round(len(frames) / pipelined, 1),
        "load_s": round(loaded - begin, 3),
        "start_s": round(started, 3),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "gpu_memory_mb": _gpu_memory(),
    }


def _seconds(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _percentiles(seconds: list[float]) -> dict[str, float]:
    milliseconds = 1e3 * np.array(seconds[_WARM_UP:])
    return {name: round(float(np.percentile(milliseconds, q)), 2) for name, q in (("median", 50), ("p95", 95))}


def _gpu_memory() -> float | None:
    """The most that torch took there; what TensorRT and ONNX Runtime took on their own is not in it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return round(torch.cuda.max_memory_reserved() / 2**20, 1)


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
