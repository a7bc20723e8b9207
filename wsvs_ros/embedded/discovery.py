"""Who may find this process: ROS 2's environment variables as a configuration of Cyclone DDS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from wsvs_ros.embedded.errors import EmbeddedError

_WHOLE_IMAGES = "<MaxMessageSize>65500B</MaxMessageSize><FragmentSize>8000B</FragmentSize>"
_ASK_AGAIN = "<Internal><NackDelay>1ms</NackDelay></Internal>"

# ROS 2's own peers send to 127.0.0.1, and Cyclone DDS 11 hears nothing of interfaces that it was not told to use
_NETWORK = '<NetworkInterface autodetermine="true"/>'
_THIS_MACHINE = (
    f'<Interfaces>{_NETWORK}<NetworkInterface name="lo" multicast="false"/></Interfaces>'
    "<AllowMulticast>false</AllowMulticast>"
)

LOOPBACK_URI = (
    "<CycloneDDS><Domain><General>"
    '<Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces>'
    f"<AllowMulticast>false</AllowMulticast>{_WHOLE_IMAGES}</General>"
    "<Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>60</MaxAutoParticipantIndex>"
    f'<Peers><Peer Address="127.0.0.1"/></Peers></Discovery>{_ASK_AGAIN}</Domain></CycloneDDS>'
)
"""
A CYCLONEDDS_URI that keeps all traffic on this machine. Every process that is to meet needs it.

Large datagrams and asking again at once bring images whole through a socket buffer that is smaller than they are.
"""

LARGEST = 300_000_000
"""Bytes of the largest message that is sent or taken: a 32FC1 image of 8192x8192 and its header."""

BOUND = f"<CycloneDDS><Domain><Internal><MaxSampleSize>{LARGEST}B</MaxSampleSize></Internal></Domain></CycloneDDS>"
"""What no message of a peer's is larger than, said before all other configuration, which may say otherwise."""

RANGES = ("OFF", "LOCALHOST", "SUBNET", "SYSTEM_DEFAULT")
"""The values of ROS_AUTOMATIC_DISCOVERY_RANGE."""


def discovery_range(environment: Mapping[str, str] = os.environ) -> str:
    """
    How far automatic discovery goes, one of RANGES; ROS_LOCALHOST_ONLY=1 wins, as in ROS 2.

    :raises EmbeddedError: if ROS_AUTOMATIC_DISCOVERY_RANGE is none of them.
    """
    if environment.get("ROS_LOCALHOST_ONLY", "").startswith("1"):
        return "LOCALHOST"
    wanted = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET"
    if wanted not in RANGES:
        raise EmbeddedError(f"ROS_AUTOMATIC_DISCOVERY_RANGE={wanted}: one of {', '.join(RANGES)} is needed")
    return wanted


def is_local(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether all that this process will meet is on this machine."""
    uri = environment.get("CYCLONEDDS_URI")
    return uri == LOOPBACK_URI or (not uri and discovery_range(environment) == "LOCALHOST" and not _peers(environment))


def configuration(environment: Mapping[str, str] = os.environ) -> str | None:
    """
    What rmw_cyclonedds would tell Cyclone DDS; None where a CYCLONEDDS_URI of the user's says it.

    :raises EmbeddedError: if ROS_AUTOMATIC_DISCOVERY_RANGE is unknown.
    """
    if environment.get("CYCLONEDDS_URI"):
        return None
    wanted = discovery_range(environment)
    if wanted == "SYSTEM_DEFAULT":
        return None
    if wanted == "OFF":  # nobody else has this tag
        tag = f"<ParticipantIndex>none</ParticipantIndex><Tag>ros_discovery_off_{os.getpid()}</Tag>"
        return _document("<AllowMulticast>false</AllowMulticast>", tag)
    discovery = "<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>"
    peers = (["localhost"] if wanted == "LOCALHOST" else []) + _peers(environment)
    if peers:
        discovery += f"<Peers>{''.join(f'<Peer Address={quoteattr(peer)}/>' for peer in peers)}</Peers>"
    general = _THIS_MACHINE if wanted == "LOCALHOST" else ""
    return (
        _document(general + _WHOLE_IMAGES, discovery, _ASK_AGAIN)
        if is_local(environment)
        else _document(general, discovery)
    )


def without_network(config: str) -> str:
    """The same for a machine that has no interface but the loopback's."""
    return config.replace(_NETWORK, "")


def _peers(environment: Mapping[str, str]) -> list[str]:
    if environment.get("ROS_LOCALHOST_ONLY", "").startswith("1"):
        return []
    return [peer for peer in environment.get("ROS_STATIC_PEERS", "").split(";") if peer]


def _document(general: str, discovery: str, rest: str = "") -> str:
    general = f"<General>{general}</General>" if general else ""
    return f"<CycloneDDS><Domain>{general}<Discovery>{discovery}</Discovery>{rest}</Domain></CycloneDDS>"
