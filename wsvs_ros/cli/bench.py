"""`wsvs bench`: every engine and precision that runs here, side by side."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from typing import Any

from wsvs_ros.cli.arguments import add_device, add_json, count
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json

_LIMIT = 1800  # seconds for one engine; TensorRT may have to build


def add_parser(subparsers: Any) -> None:
    """Add `bench` to the command line."""
    parser = subparsers.add_parser(
        "bench",
        help="speed and memory of every engine that runs here",
        description="Run a bundle on every engine and precision that this machine can, each in a process of its own, "
        "on frames of a rendered drive. The engine is timed alone (arrays in, scores out), the segmenter from frame to "
        "label map, one frame at a time; frames per second are those of three frames on their way at once. The first "
        "frames do not count.",
    )
    parser.add_argument("bundle", nargs="?", metavar="BUNDLE", help="model bundle (default: the one of the package)")
    parser.add_argument("--size", help="the camera's WIDTHxHEIGHT (default: the bundle's working size)")
    parser.add_argument("--count", type=count, default=60, help="frames for each (default: %(default)s)")
    parser.add_argument(
        "--rounds",
        type=count,
        default=1,
        help="rounds; of each engine the best one counts (default: %(default)s)",
    )
    parser.add_argument("--threads", type=count, help="processor threads of an engine (default: physical cores)")
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and print; 1 if nothing could be measured."""
    from wsvs_ros.perception import ModelBundle, default_bundle_path

    bundle = ModelBundle.load(args.bundle or default_bundle_path())
    size = bundle.working_size if args.size is None else _size(args.size)
    jobs, unusable = candidates(bundle)
    results: list[dict[str, Any]] = []
    for turn in range(args.rounds):
        for job in jobs:
            print(f"round {turn + 1}: {_title(job)}", file=sys.stderr, flush=True)
            device = args.device if args.device != "auto" else "cuda" if job["provider"] == "cuda" else "cpu"
            settings = {"bundle": str(bundle.path), "threads": args.threads, "device": device, "size": size}
            _keep_best(results, job, _measure({**job, **settings, "count": args.count}))
    summary = {
        "bundle": bundle.name,
        "camera_size": list(size),
        "working_size": list(bundle.working_size),
        "machine": f"{platform.platform()}, {platform.processor() or platform.machine()}",
        "results": results,
        "unusable": unusable,
    }
    if args.json:
        write_json(args.json, summary)
    print(table(summary))
    return 0 if any("error" not in result for result in results) else 1


def candidates(bundle: Any) -> tuple[list[dict[str, str]], list[str]]:
    """What can run a bundle here, as `engine`, `provider` and `precision`, and why the rest cannot."""
    from wsvs_ros.perception.engines import EngineOptions, engine_statuses
    from wsvs_ros.perception.engines.interface import PRECISIONS

    jobs: list[dict[str, str]] = []
    unusable: dict[str, None] = {}  # in order, each once
    for precision in PRECISIONS:
        for status in engine_statuses(bundle, EngineOptions(precision=precision)):
            if status.reason is None:
                jobs.append({"engine": status.engine, "provider": status.provider, "precision": precision})
            else:
                unusable[str(status)] = None
    return jobs, list(unusable)


def table(summary: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    width, height = summary["camera_size"]
    lines = [
        f"{summary['bundle']}, camera {width}x{height}, network {'x'.join(map(str, summary['working_size']))}",
        "",
        "| engine | engine, ms (p95) | segmenter, ms (p95) | frames/s | load, s | start to label, s | memory, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for result in summary["results"]:
        if "error" in result:
            lines.append(f"| {_title(result)} | {result['error']} | | | | | |")
            continue
        engine, segmenter = result["engine_ms"], result["segmenter_ms"]
        gpu = "" if result["gpu_memory_mb"] is None else f" + {result['gpu_memory_mb']:.0f} GPU"
        lines.append(
            f"| {_title(result)} | {engine['median']:.1f} ({engine['p95']:.1f}) | {segmenter['median']:.1f} "
            f"({segmenter['p95']:.1f}) | {result['fps']:.1f} | {result['load_s']:.2f} | {result['start_s']:.2f} | "
            f"{result['memory_mb']:.0f}{gpu} |"
        )
    return "\n".join([*lines, "", *(f"- {line}" for line in summary["unusable"])])


def _measure(settings: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "wsvs_ros.cli.bench_worker", json.dumps({**settings, "began": time.time()})]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {_LIMIT} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _keep_best(results: list[dict[str, Any]], job: dict[str, str], found: dict[str, Any]) -> None:
    """The first start builds what later ones load, and other jobs disturb: the round with the fastest engine counts."""
    for index, result in enumerate(results):
        if all(result[key] == job[key] for key in job):
            if "error" in result or (
                "error" not in found and found["engine_ms"]["median"] < result["engine_ms"]["median"]
            ):
                results[index] = {**job, **found}
            return
    results.append({**job, **found})


def _title(job: dict[str, Any]) -> str:
    return f"{job['engine']} on {job['provider']}, {job['precision']}"


def _size(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise WsvsError(f"--size {text}: write WIDTHxHEIGHT, e.g. 1920x1080")
    return int(parts[0]), int(parts[1])
