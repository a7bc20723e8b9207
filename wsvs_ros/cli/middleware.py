"""Options of all subcommands that talk to topics: which middleware, which domain, loopback only."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket

from wsvs_ros.errors import WsvsError

_FREE_DOMAINS = range(87, 102)  # beyond, DDS's ports are among those that the system hands out
_PARTICIPANTS = range(10)  # whose ports are looked at


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


def free_domain() -> int:
    """
    A domain in which nobody on this machine talks.

    :raises WsvsError: if there is none.
    """
    begin = os.getpid() % len(_FREE_DOMAINS)  # elsewhere for each process, lest two that start at once meet
    for domain in (*_FREE_DOMAINS[begin:], *_FREE_DOMAINS[:begin]):
        if all(_is_free(7400 + 250 * domain + 10 + 2 * index) for index in _PARTICIPANTS):  # DDSI-RTPS 9.6.1.1
            return domain
    first, last = _FREE_DOMAINS[0], _FREE_DOMAINS[-1]
    raise WsvsError(f"ROS domains {first} to {last} are all in use on this machine; choose one with --domain")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
