"""
The live node after the method of ros2_benchmark: a drive in memory, played at fixed rates, and the peak rate.

    python -m benchmarks.node [--size 480x360] [--model DIR] [--seconds 5] [--iterations 5] [--json FILE]

Camera, node and listener are processes and threads on one machine, over ROS 2 where it is sourced and over the embedded
middleware else. Latency is from publishing a frame to receiving its label. The overhead is this latency less what the
segmenter took for that frame, from resizing to the label map. The peak rate is the highest at which fewer than 5 % of
the frames get no label.
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
from wsvs_ros.cores import usable_cores
from wsvs_ros.perception import ModelBundle, default_bundle_path

_RATES = (10.0, 30.0, 60.0)
_LOSS = 0.05


def figures(run: Run, load: float) -> dict[str, float]:
    """What ros2_benchmark reports of one playback; milliseconds, frames a second, processors."""
    latencies = 1e3 * run.latencies()
    arrivals = np.sort(np.array(list(run.received.values())))
    if len(latencies) < 2:
        raise SystemExit(f"{len(latencies)} labels came for {len(run.published)} frames: nothing to measure")
    gaps = 1e3 * np.diff(arrivals)
    return {
        "frames": len(run.published),
        "labels": len(latencies),
        "lost": round(run.lost(), 4),
        "mean_fps": round(1e3 / float(gaps.mean()), 2),
        "first_latency_ms": round(float(latencies[0]), 2),
        "last_latency_ms": round(float(latencies[-1]), 2),
        "p50_latency_ms": round(float(np.percentile(latencies, 50)), 2),
        "p95_latency_ms": round(float(np.percentile(latencies, 95)), 2),
        "jitter_ms": round(float(gaps.std()), 2),
        "max_gap_ms": round(float(gaps.max()), 2),
        "processors": round(load, 2),
    }


def playback(live: LiveNode, images: list[np.ndarray], rate: float, seconds: float) -> tuple[Run, dict[str, float]]:
    """One playback and its figures."""
    busy, begin = cpu_seconds(live.pid), time.monotonic()
    run = live.play(images, rate=rate, seconds=seconds)
    return run, figures(run, (cpu_seconds(live.pid) - busy) / (time.monotonic() - begin))


def overhead_ms(runs: list[Run], seconds: dict[int, float]) -> dict[str, float]:
    """Milliseconds from message in to message out, less those of the segmenter, over the frames of some playbacks."""
    over = [
        1e3 * (run.received[stamp] - sent - seconds[stamp])
        for run in runs
        for stamp, sent in run.published.items()
        if stamp in run.received and stamp in seconds
    ]
    return {name: round(float(np.percentile(over, q)), 2) for name, q in (("p50", 50), ("p95", 95))}


def peak_rate(live: LiveNode, images: list[np.ndarray], seconds: float) -> float:
    """The highest rate with under 5 % of labels lost, to half a hertz, by bisection."""
    low, high = 1.0, 240.0
    while high - low > 0.5:
        middle = (low + high) / 2
        if playback(live, images, middle, seconds)[0].lost() < _LOSS:
            low = middle
        else:
            high = middle
    return low


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run."""
    images, digest = drive_images(args.size)
    live = LiveNode("--model", str(args.model), domain=args.domain)
    try:
        live.play(images, rate=10, seconds=2)  # warm-up
        played = {rate: [playback(live, images, rate, args.seconds) for _ in range(args.iterations)] for rate in _RATES}
        peak = None if args.no_peak else peak_rate(live, images, args.seconds)
    finally:
        log = live.close()
    seconds = live.segmenter_seconds
    return {
        "configuration": {
            "middleware": live.middleware,
            "camera": args.size,
            "model": ModelBundle.load(args.model).name,
            "seconds": args.seconds,
            "iterations": args.iterations,
            "cores": usable_cores(),
            "machine": platform.platform(),
            "input_sha256": digest,
        },
        "rates": {f"{rate:g}": [figure for _, figure in runs] for rate, runs in played.items()},
        "overhead_ms": {f"{rate:g}": overhead_ms([run for run, _ in runs], seconds) for rate, runs in played.items()},
        "peak_rate": peak,
        "node": next((line for line in reversed(log.splitlines()) if "frames:" in line), ""),
    }


def table(found: dict[str, Any]) -> str:
    """The means over the iterations as a Markdown table."""
    setup = found["configuration"]
    lines = [
        f"{setup['middleware']}, camera {setup['camera']}, {setup['model']}\n",
        "| Hz | labels/s | lost, % | latency p50 / p95, ms | overhead p50 / p95 | first / last | jitter | processors |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rate, runs in found["rates"].items():
        mean = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
        over = found["overhead_ms"][rate]
        lines.append(
            f"| {rate} | {mean['mean_fps']:.1f} | {100 * mean['lost']:.1f} | {mean['p50_latency_ms']:.1f} / "
            f"{mean['p95_latency_ms']:.1f} | {over['p50']:.1f} / {over['p95']:.1f} | {mean['first_latency_ms']:.1f} / "
            f"{mean['last_latency_ms']:.1f} | {mean['jitter_ms']:.1f} | {mean['processors']:.2f} |"
        )
    if found["peak_rate"] is not None:
        lines.append(f"\npeak rate with under {_LOSS:.0%} lost: {found['peak_rate']:.1f} Hz")
    return "\n".join(lines)


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
    found = measure(args)
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
