"""A ROS domain for processes that talk among themselves on this machine."""

from __future__ import annotations

import os
import socket

from wsvs_ros.errors import WsvsError

_FREE_DOMAINS = range(87, 102)  # beyond, DDS's ports are among those that the system hands out
_PARTICIPANTS = range(10)  # whose ports are looked at


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
