"""`wsvs demo`: the live job on a drive, three processes over the middleware."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from wsvs_ros.cli.arguments import positive
from wsvs_ros.errors import WsvsError

CLIP_URL = "https://raw.githubusercontent.com/udacity/CarND-LaneLines-P1/master/test_videos/solidWhiteRight.mp4"
CLIP_HASH = "sha256:2d8e14b46fe89afbc8ad1f718685cf09b83e85a324095031c38186a9f0535417"


def add_parser(subparsers: Any) -> None:
    """Add `demo` to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="the live job on a drive, end to end",
        description="Play a drive as a camera, run the node in a process of its own, record what it publishes. "
        "Without --drive a public clip is fetched once; without a network the drive is rendered. All traffic stays "
        "on this machine.",
    )
    parser.add_argument(
        "--drive", default=os.environ.get("DRIVE") or None, help="video, image folder or bag of your own (or DRIVE=...)"
    )
    parser.add_argument(
        "--topic", default=os.environ.get("TOPIC") or None, help="image topic of a bag with several (or TOPIC=...)"
    )
    parser.add_argument("--model", metavar="DIR", help="model bundle (default: the one of the package)")
    parser.add_argument("--seconds", type=positive, default=60.0, help="play at most that long (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), help="results go to OUTPUT/run-NNN")
    parser.add_argument("--domain", type=int, help="ROS domain of the demo (default: one that nobody uses here)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo and print its table."""
    from wsvs_ros.drives import open_drive
    from wsvs_ros.perception import ModelBundle, default_bundle_path
    from wsvs_ros.runs.live_session import LiveSession

    bundle = ModelBundle.load(args.model or default_bundle_path())
    drive = args.drive or fetch_clip()
    open_drive(drive, topic=args.topic).close()  # what is wrong with it is told before anything starts
    out = _new_folder(args.output)
    print(f"playing {drive} to the node for at most {args.seconds:g} s", flush=True)
    session = LiveSession(drive, out, bundle, topic=args.topic, seconds=args.seconds, domain=args.domain)
    session.run()
    _print_table(drive, session.played, session.recorded, out)
    return 0


def fetch_clip() -> str:
    """The public clip, from the cache or the network; the rendered drive where there is neither."""
    import logging

    try:
        import pooch
    except ImportError:
        print("fetching the public clip needs `pip install 'wsvs_ros[demo]'`; playing a rendered drive instead")
        return "synthetic"
    pooch.get_logger().setLevel(logging.ERROR)
    try:
        return str(pooch.retrieve(CLIP_URL, CLIP_HASH, fname="solidWhiteRight.mp4", path=pooch.os_cache("wsvs_ros")))
    except Exception as error:  # of requests, of the file system, of the hash
        print(f"the public clip cannot be fetched ({type(error).__name__}); playing a rendered drive instead")
        return "synthetic"


def _new_folder(parent: Path) -> Path:
    """run-001, run-002, ...: earlier results stay."""
    for number in range(1, 10_000):
        folder = parent / f"run-{number:03d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise WsvsError(f"{folder}: cannot be made a folder: {error.strerror}") from error
        return folder
    raise WsvsError(f"{parent}: too many runs here; move some away")


def _print_table(drive: str, played: dict[str, Any], recorded: dict[str, Any], out: Path) -> None:
    latency = recorded["latency_ms"]
    rows = [
        ("drive", drive),
        ("camera frames", f"{played['frames']} at {played['rate']:.1f} a second"),
        ("label images", f"{recorded['labels']} at {recorded['rate']:.1f} a second"),
        ("end-to-end latency", f"p50 {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms"),
        ("overlay video", str(out / "overlay.mp4")),
        ("recording", str(out / "bag")),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
