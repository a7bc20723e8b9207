"""`wsvs demo`: the live job on a drive, three processes over the middleware."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from wsvs_ros.errors import WsvsError

CLIP_URL = "https://raw.githubusercontent.com/udacity/CarND-LaneLines-P1/master/test_videos/solidWhiteRight.mp4"
CLIP_HASH = "sha256:2d8e14b46fe89afbc8ad1f718685cf09b83e85a324095031c38186a9f0535417"
_START = 30.0  # seconds that node and recorder may take to start
_STOP = 20.0  # seconds that they may take to finish their files


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
    parser.add_argument("--model", metavar="DIR", help="model bundle (default: the one of the package)")
    parser.add_argument("--seconds", type=float, default=60.0, help="play at most that long (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), help="results go to OUTPUT/run-NNN")
    parser.add_argument("--domain", type=int, default=87, help="ROS domain of the demo (default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo and print its table."""
    drive = args.drive or fetch_clip()
    out = _new_folder(args.output)
    children = _Children(out, args.domain)
    model = ["--model", args.model] if args.model else []
    try:
        record = children.start("record", ["-o", str(out)])
        node = children.start("run", model)
        children.wait_for("run", node, "->")
        played = children.play(drive, args.seconds, out / "play.json")
        time.sleep(1.0)  # the last labels are on their way
    finally:
        children.stop()
    if record.returncode or node.returncode:
        raise WsvsError(f"a process failed:\n{children.tail('record')}\n{children.tail('run')}")
    _print_table(drive, played, json.loads((out / "record.json").read_text(encoding="utf-8")), out)
    return 0


def fetch_clip() -> str:
    """The public clip, from the cache or the network; the rendered drive where there is neither."""
    import logging

    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    try:
        return str(pooch.retrieve(CLIP_URL, CLIP_HASH, fname="solidWhiteRight.mp4", path=pooch.os_cache("wsvs_ros")))
    except Exception as error:
        print(f"the public clip cannot be fetched ({type(error).__name__}); playing a rendered drive instead")
        return "synthetic"


class _Children:
    """The processes of the demo, each with its log."""

    def __init__(self, out: Path, domain: int) -> None:
        self._out = out
        self._common = ["--localhost", "--domain", str(domain)]
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, command: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        """Start a subcommand; its log is `<command>.log`."""
        with open(self._log(command), "wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "wsvs_ros.cli.main", command, *arguments, *self._common],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this process, which stops the others in order
            )
        self._running.append(child)
        return child

    def wait_for(self, command: str, child: subprocess.Popen[bytes], sign: str) -> None:
        """Wait until a child's log shows that it is ready."""
        until = time.monotonic() + _START
        while sign not in self._log(command).read_text(errors="replace"):
            if child.poll() is not None or time.monotonic() > until:
                raise WsvsError(f"`wsvs {command}` did not start:\n{self.tail(command)}")
            time.sleep(0.1)

    def play(self, drive: str, seconds: float, summary: Path) -> dict[str, Any]:
        """Play the drive to its end; frames and rate."""
        player = self.start("play", [drive, "--seconds", str(seconds), "--json", str(summary)])
        try:
            player.wait(timeout=seconds + 2 * _START)
        except subprocess.TimeoutExpired:
            raise WsvsError(f"`wsvs play` does not end:\n{self.tail('play')}") from None
        if player.returncode:
            raise WsvsError(f"`wsvs play` failed:\n{self.tail('play')}")
        return dict(json.loads(summary.read_text(encoding="utf-8")))

    def stop(self) -> None:
        """Interrupt what still runs, the way Ctrl-C does, and wait for its files."""
        for child in self._running:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        for child in self._running:
            try:
                child.wait(timeout=_STOP)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def tail(self, command: str) -> str:
        """The last lines of a child's log."""
        log = self._log(command)
        lines = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
        return "\n".join(f"  {command}: {line}" for line in lines)

    def _log(self, command: str) -> Path:
        return self._out / f"{command}.log"


def _new_folder(parent: Path) -> Path:
    """run-001, run-002, ...: earlier results stay."""
    parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10_000):
        folder = parent / f"run-{number:03d}"
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise WsvsError(f"{parent}: too many runs here; move some away")


def _print_table(drive: str, played: dict[str, Any], recorded: dict[str, Any], out: Path) -> None:
    latency = recorded["latency_ms"]
    rows = [
        ("drive", drive),
        ("camera frames", f"{played['frames']} at {played['rate']:.1f} a second"),
        ("label images", f"{recorded['labels']} at {recorded['rate']:.1f} a second"),
        ("end-to-end latency", f"p50 {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms" if latency else "no labels"),
        ("overlay video", str(out / "overlay.mp4")),
        ("recording", str(out / "bag")),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
