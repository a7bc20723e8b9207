"""
Engines and precisions side by side: accuracy on CamVid val, speed, start; on a GPU the whole way at 1024x512.

    python -m benchmarks.engines --data DATA [--bundle DIR] [--rounds 3] [--json FILE]

Accuracy is that of ONNX Runtime on the CPU on every second val frame with the motion around it, against the labels and
against the program on torch, which gives what the trained network gives to the last bit. Speed is what `wsvs bench`
measures; the ratio is to PyTorch's own way of running the network, in the same run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wsvs_ros.cores import usable_cores
from wsvs_ros.drives import open_drive
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception import EngineOptions, ModelBundle, create_engine, default_bundle_path
from wsvs_ros.perception.compute.host_motion import HostMotion
from wsvs_ros.perception.engines import OnnxRuntimeEngine
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.perception.postprocess import label_scores
from wsvs_ros.perception.preprocess import split_rgb
from wsvs_ros.perception.tracker import FrameTracker

_VARIANTS = ("float32", "float16", "int8", "int8-symmetric")
_EVERY = 2
_GPU_SIZE = "1024x512"


def frames_of(bundle: ModelBundle, data: Path) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Planes, flow stack and truth of every second val frame."""
    tracker = FrameTracker(bundle, HostMotion(bundle), lookahead=0, max_gap=1.0)
    planes = np.empty((3, *bundle.working_size[::-1]), np.uint8)
    with open_drive(data / "camvid" / "val" / "images", fps=15) as drive:
        for index, frame in enumerate(drive):
            (tracked,) = tracker.add(frame)
            if index % _EVERY == 0:
                split_rgb(tracked.image, planes)
                yield planes, tracked.stack, read_label_map(data / "camvid" / "val" / "labels" / f"{frame.name}.png")


def accuracy(bundle: ModelBundle, data: Path) -> dict[str, dict[str, float]]:
    """Largest difference of a probability, share of equal labels, and mIoU, by variant; those of `torch` first."""
    reference = create_engine(bundle, EngineOptions("torch", "float32", ("cpu",)))
    engines = {name: _on_cpu(bundle, name) for name in _VARIANTS if name in bundle.models}
    matrices = {name: ConfusionMatrix(bundle.labels) for name in ("torch", *engines)}
    errors: dict[str, list[float]] = {name: [] for name in engines}
    same: dict[str, list[float]] = {name: [] for name in engines}
    for image, flow, truth in frames_of(bundle, data):
        expected = reference.infer(image, flow)
        labels, _ = label_scores(expected, bundle.working_size)
        matrices["torch"].update(labels, truth)
        for name, engine in engines.items():
            scores = engine.infer(image, flow)
            found, _ = label_scores(scores, bundle.working_size)
            matrices[name].update(found, truth)
            errors[name].append(float(np.abs(scores - expected).max()))
            same[name].append(float((found == labels).mean()))
    figures = {"torch": {"miou": float(matrices["torch"].miou or 0)}}
    for name in engines:
        miou = float(matrices[name].miou or 0)
        figures[name] = {"miou": miou, "max_error": max(errors[name]), "agreement": float(np.mean(same[name]))}
    return figures


def _on_cpu(bundle: ModelBundle, variant: str) -> OnnxRuntimeEngine:
    """The engine of a variant; the symmetric one, made for TensorRT, as if it were the bundle's float32 network."""
    return OnnxRuntimeEngine(replace(bundle, models={"float32": bundle.models[variant]}))


def bench(bundle: ModelBundle, *arguments: str) -> dict[str, Any]:
    """What `wsvs bench` measures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        command = [
            sys.executable,
            "-m",
            "wsvs_ros.cli.main",
            "bench",
            str(bundle.path),
            "--json",
            str(path),
            *arguments,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def eager(bundle: ModelBundle, count: int = 40) -> float:
    """Median milliseconds of the program as PyTorch runs a network: operator by operator, contiguous memory."""
    import torch

    torch.set_num_threads(usable_cores())
    module = torch.export.load(bundle.model("program").path).module()
    shapes = bundle.input_shapes
    inputs = torch.zeros(shapes["image"], dtype=torch.uint8), torch.zeros(shapes["flow"])
    seconds = []
    with torch.no_grad():
        for _ in range(count):
            start = time.perf_counter()
            module(*inputs)
            seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds[5:]))


def _has_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with camvid/val")
    parser.add_argument("--bundle", type=Path, default=default_bundle_path(), help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each engine; the best counts (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    bundle = ModelBundle.load(arguments.bundle)
    found: dict[str, Any] = {"accuracy": accuracy(bundle, arguments.data)}
    print("| network | largest difference | same label, % | mIoU |\n| --- | ---: | ---: | ---: |")
    for name, figures in found["accuracy"].items():
        error = f"{figures['max_error']:.2g} | {100 * figures['agreement']:.2f}" if "max_error" in figures else "- | -"
        print(f"| {name} | {error} | {100 * figures['miou']:.2f} |")
    found["speed"] = bench(bundle, "--rounds", str(arguments.rounds))
    results = [result for result in found["speed"]["results"] if "error" not in result]
    found["eager_ms"] = eager(bundle)
    print(f"\nPyTorch eager: {found['eager_ms']:.1f} ms")
    print(
        "\n| engine | engine, ms (p95) | to eager | segmenter, ms (p95) | frames/s | start to label, s | memory, MB |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for result in results:
        engine, segmenter = result["engine_ms"], result["segmenter_ms"]
        ratio = f"{found['eager_ms'] / engine['median']:.2f}"
        print(
            f"| {result['engine']} on {result['provider']}, {result['precision']} | {engine['median']:.1f} "
            f"({engine['p95']:.1f}) | {ratio} | {segmenter['median']:.1f} ({segmenter['p95']:.1f}) | "
            f"{result['fps']:.1f} | {result['start_s']:.2f} | {result['memory_mb']:.0f} |"
        )
    if _has_cuda():
        found["gpu"] = bench(bundle, "--size", _GPU_SIZE, "--count", "300")
        for result in found["gpu"]["results"]:
            if result.get("provider") == "cuda" and "error" not in result:
                print(
                    f"\n{result['engine']} on {result['provider']}, {result['precision']}, camera {_GPU_SIZE}: "
                    f"p95 {result['segmenter_ms']['p95']:.2f} ms from frame to label map, {result['fps']:.0f} frames/s"
                )
    else:
        print(f"\nNo CUDA device here: the segmenter on a GPU at {_GPU_SIZE} was not measured.")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
