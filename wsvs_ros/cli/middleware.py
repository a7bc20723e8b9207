"""Options of all subcommands that talk to topics: which middleware, which domain, loopback only."""

from __future__ import annotations

import argparse
import importlib.util
import os


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--localhost` and `--domain`."""
    parser.add_argument("--localhost", action="store_true", help="keep all DDS traffic on this machine")
    parser.add_argument("--domain", type=int, help="ROS domain (default: ROS_DOMAIN_ID or 0)")


def prepare(args: argparse.Namespace) -> None:
    """Let `import rclpy` work: the real one where ROS 2 is sourced, else the embedded middleware."""
    from wsvs_ros import embedded

    if args.domain is not None:
        os.environ["ROS_DOMAIN_ID"] = str(args.domain)
    if args.localhost:
        os.environ["CYCLONEDDS_URI"] = embedded.loopback_uri()
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    if importlib.util.find_spec("rclpy") is None:
        embedded.install()
