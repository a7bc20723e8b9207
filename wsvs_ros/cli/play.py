"""`wsvs play`: a recorded drive as a live camera."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from wsvs_ros.cli import middleware
from wsvs_ros.cli.arguments import add_json, not_negative, positive, writable
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json
from wsvs_ros.perception.frames import Frame

_FALLBACK_FPS = 10.0  # of a drive that does not tell
_LONGEST_PAUSE = 600.0  # seconds; beyond, a clock was set


def add_parser(subparsers: Any) -> None:
    """Add `play` to the command line."""
    parser = subparsers.add_parser(
        "play",
        help="publish a drive's frames as a camera",
        description="Publish the frames of a video, image folder or bag at their own rate, stamped with the time "
        "of publishing.",
    )
    parser.add_argument("input", help="video, folder of images or bag; `synthetic` for a rendered drive")
    parser.add_argument("--to", default="/camera/image_raw", metavar="TOPIC", help="published (default: %(default)s)")
    parser.add_argument("--topic", help="image topic of a bag with several")
    parser.add_argument("--fps", type=positive, help="play at this rate (default: by the frames' own stamps)")
    parser.add_argument("--size", metavar="WxH", help="resize the frames")
    parser.add_argument("--seconds", type=positive, help="stop after that time")
    parser.add_argument("--loop", action="store_true", help="begin anew at the drive's end")
    parser.add_argument("--frame-id", default="camera", help="frame_id of the messages (default: %(default)s)")
    parser.add_argument(
        "--wait-for-subscriber",
        type=not_negative,
        default=10.0,
        metavar="SECONDS",
        help="at most that long",
    )
    add_json(parser)
    parser.add_argument(
        "--frames-log", type=writable, metavar="FILE", help="write each frame's name, own stamp and published stamp"
    )
    middleware.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Play the drive."""
    size = _parse_size(args.size)
    if not Path(args.input).exists() and args.input != "synthetic":
        raise WsvsError(f"{args.input}: no such file or folder")
    middleware.prepare(args)
    import rclpy
    from rclpy.node import Node
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    rclpy.init(args=[])
    node = Node("camera")
    # reliable, so that subscribers of either kind match
    publisher = node.create_publisher(Image, args.to, QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE))
    try:
        _wait(publisher, args)
        played, seconds = _play(args, size, node, publisher, Image)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    rate = played / seconds if seconds else 0.0
    print(f"played {played} frames in {seconds:.1f} s, {rate:.1f} a second, on {args.to}")
    if args.json:
        write_json(args.json, {"frames": played, "seconds": seconds, "rate": rate})
    return 0


def _play(
    args: argparse.Namespace, size: tuple[int, int] | None, node: Any, publisher: Any, message_type: Any
) -> tuple[int, float]:
    """Frames when they are due, by one clock, so that the rate does not drift; (frames, seconds)."""
    from wsvs_ros.images import fill_image

    start, played = time.monotonic(), 0
    header_type = type(message_type().header)
    log = args.frames_log.open("w", encoding="utf-8") if args.frames_log else None
    for frame, seconds in _frames(args):
        due = start + seconds
        if args.seconds is not None and seconds >= args.seconds:
            break
        image = frame.image if size is None else cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        time.sleep(max(0.0, due - time.monotonic()))
        header = header_type(frame_id=args.frame_id, stamp=node.get_clock().now().to_msg())
        publisher.publish(fill_image(message_type(), image, "bgr8", header))
        played += 1
        if log is not None:
            published = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
            print(frame.name, frame.stamp_ns, published, file=log, flush=True)
    if log is not None:
        log.close()
    return played, max(time.monotonic() - start, 1e-9)


def _frames(args: argparse.Namespace) -> Iterator[tuple[Frame, float]]:
    """Frames with the seconds after the beginning at which each is due, as they were recorded."""
    from wsvs_ros.drives import open_drive

    due = 0.0
    while True:
        with open_drive(args.input, topic=args.topic, fps=args.fps) as drive:
            period = 1.0 / (args.fps or drive.fps or _FALLBACK_FPS)
            last: int | None = None
            for frame in drive:
                step = period if last is None or args.fps else (frame.stamp_ns - last) * 1e-9
                if last is not None or due:  # stamps that stand still or jump tell nothing
                    due += step if 0 < step <= _LONGEST_PAUSE else period
                last = frame.stamp_ns
                yield frame, due
        if not args.loop:
            return


def _wait(publisher: Any, args: argparse.Namespace) -> None:
    until = time.monotonic() + args.wait_for_subscriber
    while not publisher.get_subscription_count():
        if time.monotonic() >= until:
            print(f"nobody subscribes to {args.to}; playing all the same")
            return
        time.sleep(0.05)


def _parse_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not cross or not width.isdigit() or not height.isdigit() or not int(width) or not int(height):
        raise WsvsError(f"--size {text}: write WIDTHxHEIGHT, e.g. 480x360")
    return int(width), int(height)
