"""
The live node after the method of ros2_benchmark: a drive in memory, played at fixed rates, and the peak rate.

    python -m benchmarks.node [--size 480x360] [--model DIR] [--seconds 5] [--iterations 5] [--json FILE]

Camera, node and listener are processes and threads on one machine, over ROS 2 where it is sourced and over the embedded
middleware else. Latency is from publishing a frame to receiving its label. The overhead is the latency at 10 Hz, less
the median time of the segmenter alone on the same frames in the same run. The peak rate is the highest at which fewer
than 5 % of the frames get no label.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.live_node import LiveNode, Run, cpu_seconds, drive_images
from wsvs_ros.perception import Frame, ModelBundle, VideoSegmenter, default_bundle_path
from wsvs_ros.perception.cores import usable_cores

_RATES = (10.0, 30.0, 60.0)
_LOSS = 0.05
_PERIOD_NS = 33_333_333


def segmenter_ms(bundle: ModelBundle, images: list[np.ndarray]) -> float:
    """Median milliseconds from a frame to its label map, without node and middleware."""
    seconds = []
    with VideoSegmenter(bundle) as segmenter:
        for index in range(3 * len(images)):
            frame = Frame(images[index % len(images)], index * _PERIOD_NS)
            start = time.perf_counter()
            assert segmenter.push(frame)[0].labels.size
            seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds[5:]))


def figures(run: Run, load: float) -> dict[str, float]:
    """What ros2_benchmark reports of one playback."""
    latencies = 1e3 * run.latencies()
    arrivals = np.sort(np.array(list(run.received.values())))
    gaps = 1e3 * np.diff(arrivals)
    span = float(arrivals[-1] - arrivals[0]) if len(arrivals) > 1 else 0.0
    return {
        "frames": len(run.published),
        "labels": len(latencies),
        "lost": round(run.lost(), 4),
        "mean_fps": round((len(arrivals) - 1) / span, 2) if span else 0.0,
        "first_latency_ms": round(float(latencies[0]), 2) if len(latencies) else float("nan"),
        "last_latency_ms": round(float(latencies[-1]), 2) if len(latencies) else float("nan"),
        "p50_latency_ms": round(float(np.percentile(latencies, 50)), 2) if len(latencies) else float("nan"),
        "p95_latency_ms": round(float(np.percentile(latencies, 95)), 2) if len(latencies) else float("nan"),
        "jitter_ms": round(float(gaps.std()), 2) if len(gaps) else 0.0,
        "max_gap_ms": round(float(gaps.max()), 2) if len(gaps) else 0.0,
        "processors": round(load, 2),
    }


def playback(live: LiveNode, images: list[np.ndarray], rate: float, seconds: float) -> dict[str, float]:
    """One playback's figures."""
    busy, begin = cpu_seconds(live.pid), time.monotonic()
    run = live.play(images, rate=rate, seconds=seconds)
    return figures(run, (cpu_seconds(live.pid) - busy) / (time.monotonic() - begin))


def peak_rate(live: LiveNode, images: list[np.ndarray], seconds: float) -> float:
    """The highest rate with under 5 % of labels lost, to half a hertz, by bisection."""
    low, high = 1.0, 240.0
    while high - low > 0.5:
        middle = (low + high) / 2
        if playback(live, images, middle, seconds)["lost"] < _LOSS:
            low = middle
        else:
            high = middle
    return low


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--size", default="480x360", help="the camera's WIDTHxHEIGHT (default: %(default)s)")
    parser.add_argument("--model", type=Path, default=default_bundle_path(), help="model bundle (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each playback (default: %(default)s)")
    parser.add_argument("--iterations", type=int, default=5, help="of each rate (default: %(default)s)")
    parser.add_argument("--no-peak", action="store_true", help="do not search for the peak rate")
    parser.add_argument("--domain", type=int, default=95, help="ROS domain (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args()
    images, digest = drive_images(args.size)
    bundle = ModelBundle.load(args.model)
    alone = segmenter_ms(bundle, images)
    live = LiveNode("--model", str(args.model), domain=args.domain)
    try:
        live.play(images, rate=10, seconds=2)  # warm-up
        rates = {rate: [playback(live, images, rate, args.seconds) for _ in range(args.iterations)] for rate in _RATES}
        peak = None if args.no_peak else peak_rate(live, images, args.seconds)
    finally:
        log = live.close()
    found: dict[str, Any] = {
        "configuration": {
            "middleware": live.middleware,
            "camera": args.size,
            "model": bundle.name,
            "seconds": args.seconds,
            "iterations": args.iterations,
            "cores": usable_cores(),
            "machine": platform.platform(),
            "input_sha256": digest,
        },
        "segmenter_ms": round(alone, 2),
        "rates": {f"{rate:g}": runs for rate, runs in rates.items()},
        "peak_rate": peak,
        "overhead_ms": {
            name: round(float(np.mean([run[f"{name}_latency_ms"] for run in rates[_RATES[0]]])) - alone, 2)
            for name in ("p50", "p95")
        },
        "node": next((line for line in reversed(log.splitlines()) if "frames:" in line), ""),
    }
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"{live.middleware}, camera {args.size}, {bundle.name}; segmenter alone {alone:.1f} ms\n")
    print("| Hz | labels/s | lost, % | latency p50 / p95, ms | first / last, ms | jitter, ms | processors |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for rate, runs in rates.items():
        mean = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        print(
            f"| {rate:g} | {mean['mean_fps']:.1f} | {100 * mean['lost']:.1f} | {mean['p50_latency_ms']:.1f} / "
            f"{mean['p95_latency_ms']:.1f} | {mean['first_latency_ms']:.1f} / {mean['last_latency_ms']:.1f} | "
            f"{mean['jitter_ms']:.1f} | {mean['processors']:.2f} |"
        )
    overhead = found["overhead_ms"]
    print(f"\noverhead at {_RATES[0]:g} Hz: p50 {overhead['p50']:.1f} ms, p95 {overhead['p95']:.1f} ms")
    if peak is not None:
        print(f"peak rate with under {_LOSS:.0%} lost: {peak:.1f} Hz")


if __name__ == "__main__":
    main()
