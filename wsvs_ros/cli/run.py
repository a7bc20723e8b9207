"""`wsvs run`: the live node."""

from __future__ import annotations

import argparse
from typing import Any

from wsvs_ros.cli import middleware
from wsvs_ros.errors import WsvsError
from wsvs_ros.topic_names import camera_info_topic


def add_parser(subparsers: Any) -> None:
    """Add `run` to the command line."""
    parser = subparsers.add_parser(
        "run",
        help="the live node: camera topic in, label topics out",
        description="Run the segmentation node, on ROS 2 where it is sourced, else on the embedded middleware.",
    )
    parser.add_argument(
        "--image", default="/camera/image_raw", metavar="TOPIC", help="camera topic (default: %(default)s)"
    )
    parser.add_argument("--compressed", action="store_true", help="subscribe to TOPIC/compressed")
    parser.add_argument("--model", metavar="DIR", help="model bundle (default: the one of the package)")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a node parameter")
    parser.add_argument("--params-file", action="append", default=[], metavar="YAML", help="a parameter file")
    parser.add_argument("--namespace", default="", help="namespace of the node")
    middleware.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the node until it is stopped."""
    arguments = ros_arguments(args)
    middleware.prepare(args)
    from wsvs_ros.ros.main import main

    return main(arguments)


def ros_arguments(args: argparse.Namespace) -> list[str]:
    """
    The node's command line.

    :raises WsvsError: on a parameter without a value.
    """
    found = ["wsvs", "--ros-args", "-r", f"image:={args.image}", "-r", f"image/compressed:={args.image}/compressed"]
    found += ["-r", f"camera_info:={camera_info_topic(args.image)}"]
    if args.namespace:
        found += ["-r", f"__ns:=/{args.namespace.strip('/')}"]
    for file in args.params_file:
        found += ["--params-file", file]
    if args.model:
        found += ["-p", f"model:={args.model}"]
    if args.compressed:
        found += ["-p", "compressed:=true"]
    for parameter in args.param:
        name, equals, value = parameter.partition("=")
        if not equals or not name:
            raise WsvsError(f"--param {parameter}: write name=value")
        found += ["-p", f"{name}:={value}"]
    return found
