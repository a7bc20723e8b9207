"""
The fully-connected CRF: torch against pydensecrf, answers and time in one run; the captured CRF on CUDA.

    python -m benchmarks.crf [--images DIR] [--count 8] [--profile]

The default model's scores of each image are enlarged to 480x360 (11 classes) and refined by both, ten iterations, in
turns. Prints a Markdown table: the shortest time of each, their ratio, and how far the answers agree. `--profile`
adds where torch spends its time. Where there is a CUDA device, adds the captured CRF at 1024x512, 19 classes, five
iterations, against what its memory traffic alone would take.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.cuda import copy_bandwidth, device_name, median_seconds
from wsvs_ros.perception import VIDEO_CRF, CrfSettings, ModelBundle, create_engine, default_bundle_path
from wsvs_ros.perception.crf import Crf, create_crf
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.cuda.graphs import CapturedFunction

_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "camvid" / "val" / "images"

Scene = tuple[np.ndarray, np.ndarray]
"""Probabilities (N, H, W) float32 and image (H, W, 3) uint8."""


def load_scenes(folder: Path, count: int) -> list[Scene]:
    """Images spread over a folder, with the default model's scores at the images' size."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    bundle = ModelBundle.load(default_bundle_path())
    still = np.zeros((2 * bundle.window_length, *bundle.working_size[::-1]), np.float32)
    scenes = []
    engine = create_engine(bundle)
    for path in paths[:: max(1, len(paths) // count)][:count]:
        image = cv2.resize(cv2.imread(str(path)), bundle.working_size)
        scores = engine.infer(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)), still)
        scenes.append((np.stack([cv2.resize(plane, bundle.working_size) for plane in scores]), image))
    engine.close()
    if not scenes:
        raise SystemExit(f"{folder}: no images")
    return scenes


def compare(scenes: list[Scene], settings: CrfSettings) -> str:
    """One row: seconds of both on the same scenes in turns, ratio, agreement."""
    implementations = {name: create_crf(settings, name) for name in ("pydensecrf", "torch")}
    times: dict[str, list[float]] = {name: [] for name in implementations}
    same, divergence = [], []
    for scene in scenes:
        answers = {}
        for name, crf in implementations.items():
            seconds, answers[name] = timed(crf, scene)
            times[name].append(seconds)
        reference, ours = (answers[name].astype(np.float64).clip(1e-12) for name in implementations)
        same.append((reference.argmax(0) == ours.argmax(0)).mean())
        divergence.append((reference * np.log(reference / ours)).sum(0).mean())
    reference_ms, ours_ms = (1e3 * float(np.median(times[name])) for name in implementations)
    return (
        f"| {settings.iterations} | {reference_ms:.0f} | {ours_ms:.0f} | {reference_ms / ours_ms:.2f} | "
        f"{100 * np.mean(same):.2f} | {np.mean(divergence):.6f} |"
    )


def timed(crf: Crf, scene: Scene, repeat: int = 3) -> tuple[float, np.ndarray]:
    """Shortest seconds of a call, and the answer."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        answer = crf(*scene)
        times.append(time.perf_counter() - start)
    return min(times), answer


def print_profile(scene: Scene) -> None:
    """Where torch spends its time: building the kernels, and inferring."""
    images = torch.from_numpy(scene[1]).permute(2, 0, 1)[None]
    probabilities = torch.from_numpy(scene[0])[None]
    crf = DenseCrf(images)
    crf.infer(probabilities)
    for title, function in (("build", lambda: DenseCrf(images)), ("infer", lambda: crf.infer(probabilities))):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            function()
        print(f"\n{title}:\n{profile.key_averages().table(sort_by='self_cpu_time_total', row_limit=8)}")


def print_cuda(classes: int = 19, size: tuple[int, int] = (1024, 512), iterations: int = 5) -> None:
    """The captured CRF, lattice and all, and the share of its time that its memory traffic needs at the least."""
    name = device_name()
    if name is None:
        print("\nNo CUDA device here: nothing was measured on one.")
        return
    width, height = size
    settings = CrfSettings(iterations)
    random = np.random.default_rng(0)
    colours = cv2.resize(random.integers(0, 256, (height // 16, width // 16, 3), np.uint8), size)
    coarse = torch.rand(1, classes, height // 8, width // 8, device="cuda").softmax(1)
    probabilities = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    images = torch.from_numpy(colours).permute(2, 0, 1)[None].cuda()
    crf = CapturedFunction(lambda scores, image: DenseCrf(image, settings).infer(scores))
    seconds = median_seconds(lambda: crf(probabilities, images))
    # an iteration at least: the marginals read by blur, splat and slice, both messages and the unaries added, and
    # written; an index and a weight for each of six vertices, for splat and slice
    moved = iterations * height * width * (7 * 4 * classes + 2 * 6 * 8)
    bandwidth = copy_bandwidth()
    print(
        f"\n{name}, {bandwidth / 1e9:.0f} GB/s by a copy; {width}x{height}, {classes} classes, {iterations} iterations"
    )
    print(f"captured: {1e3 * seconds:.2f} ms; {moved / 1e6:.0f} MB moved at the least, which is", end=" ")
    print(f"{moved / bandwidth / seconds:.2f} of that time")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--images", type=Path, default=_IMAGES, help="folder of images (default: %(default)s)")
    parser.add_argument("--count", type=int, default=8, help="images (default: %(default)s)")
    parser.add_argument("--profile", action="store_true", help="show where torch spends its time")
    arguments = parser.parse_args()
    scenes = load_scenes(arguments.images, arguments.count)
    classes, height, width = scenes[0][0].shape
    print(f"{len(scenes)} images of {width}x{height}, {classes} classes; torch on {torch.get_num_threads()} threads\n")
    print("| iterations | pydensecrf, ms | torch, ms | ratio | same label, % | mean KL |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for settings in (CrfSettings(), CrfSettings(5), VIDEO_CRF):
        print(compare(scenes, settings), flush=True)
    if arguments.profile:
        print_profile(scenes[0])
    print_cuda()


if __name__ == "__main__":
    main()
