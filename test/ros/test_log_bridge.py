from __future__ import annotations

import logging

import pytest

from wsvs_ros.ros.log_bridge import LogBridge


class Lines:
    """Keeps what a logger of rclpy would print."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def info(self, text: str) -> None:
        self.said.append(("info", text))

    def warning(self, text: str) -> None:
        self.said.append(("warning", text))

    def error(self, text: str) -> None:
        self.said.append(("error", text))


def test_what_the_package_logs_is_in_the_nodes_log_while_the_bridge_stands(capsys: pytest.CaptureFixture[str]) -> None:
    lines, package = Lines(), logging.getLogger("wsvs_ros.perception.engines")
    with LogBridge(lines):
        package.info("building, step %d of %d", 3, 7)
        package.warning("slow")
        package.error("gone")
        package.debug("not this")
        logging.getLogger("other").warning("nor this")
    package.warning("nor what comes later")
    assert lines.said == [("info", "building, step 3 of 7"), ("warning", "slow"), ("error", "gone")]
    assert "building" not in capsys.readouterr().err
