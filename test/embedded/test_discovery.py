"""Who may find whom: ROS 2's environment variables."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from wsvs_ros.embedded import EmbeddedError, loopback_uri
from wsvs_ros.embedded.discovery import configuration, is_local, without_network


def parse(environment: dict[str, str]) -> tuple[str | None, list[str], str | None]:
    """Multicast, peers and tag of what Cyclone DDS is told."""
    config = configuration(environment)
    assert config is not None
    domain = ElementTree.fromstring(config).find("Domain")
    assert domain is not None
    peers = [peer.attrib["Address"] for peer in domain.findall("Discovery/Peers/Peer")]
    return domain.findtext("General/AllowMulticast"), peers, domain.findtext("Discovery/Tag")


@pytest.mark.parametrize(
    ("environment", "multicast", "peers", "local"),
    [
        ({}, None, [], False),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_STATIC_PEERS": "10.0.0.2;car<1>"}, None,
         ["10.0.0.2", "car<1>"], False),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, "false", ["localhost"], True),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "ROS_STATIC_PEERS": "10.0.0.2"}, "false",
         ["localhost", "10.0.0.2"], False),
        ({"ROS_LOCALHOST_ONLY": "1", "ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF", "ROS_STATIC_PEERS": "10.0.0.2"}, "false",
         ["localhost"], True),
        ({"ROS_LOCALHOST_ONLY": "0"}, None, [], False),
    ],
)  # fmt: skip
def test_ranges(environment: dict[str, str], multicast: str | None, peers: list[str], local: bool) -> None:
    assert parse(environment) == (multicast, peers, None)
    assert is_local(environment) is local


def test_localhost_hears_what_comes_over_the_loopback_interface() -> None:
    config = configuration({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"})
    assert config is not None
    for text, interfaces in ((config, [None, "lo"]), (without_network(config), ["lo"])):
        found = ElementTree.fromstring(text).findall("Domain/General/Interfaces/NetworkInterface")
        assert [interface.attrib.get("name") for interface in found] == interfaces


def test_off_is_a_domain_of_ones_own() -> None:
    multicast, peers, tag = parse({"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF", "ROS_STATIC_PEERS": "10.0.0.2"})
    assert (multicast, peers) == ("false", [])
    assert tag is not None
    assert tag.startswith("ros_discovery_off_")


def test_what_the_user_says_to_cyclone_stands() -> None:
    assert configuration({"CYCLONEDDS_URI": "<x/>", "ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}) is None
    assert configuration({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SYSTEM_DEFAULT"}) is None
    assert is_local({"CYCLONEDDS_URI": loopback_uri()})


def test_an_unknown_range_is_refused() -> None:
    with pytest.raises(EmbeddedError, match="ROS_AUTOMATIC_DISCOVERY_RANGE=near: one of OFF, LOCALHOST"):
        configuration({"ROS_AUTOMATIC_DISCOVERY_RANGE": "near"})
