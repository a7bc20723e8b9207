"""The node's process on the embedded middleware: the same checks as on rclpy."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from node_process import (
    SIGNALS,
    check_a_command_line_that_is_wrong,
    check_a_disk_full_of_logs_changes_nothing,
    check_a_subscriber_that_stands_still_holds_nobody_up,
    check_signals_end_it_in_order,
    wrong_command_lines,
)

from wsvs_ros.perception import ModelBundle


@pytest.mark.parametrize(("state", "signals"), SIGNALS)
def test_signals_end_it_in_order(
    state: str, signals: tuple[signal.Signals, ...], ros: Any, tiny_bundle: ModelBundle
) -> None:
    check_signals_end_it_in_order(state, signals, tiny_bundle.path)


def test_what_is_wrong_with_the_command_line_is_said(ros: Any, tiny_bundle: ModelBundle, tmp_path: Path) -> None:
    for arguments, says in wrong_command_lines(tmp_path, tiny_bundle.path).values():
        check_a_command_line_that_is_wrong(arguments, says)


def test_a_disk_full_of_logs_changes_nothing(ros: Any, tiny_bundle: ModelBundle) -> None:
    check_a_disk_full_of_logs_changes_nothing(tiny_bundle.path)


def test_a_subscriber_that_stands_still_holds_nobody_up(ros: Any, tiny_bundle: ModelBundle) -> None:
    check_a_subscriber_that_stands_still_holds_nobody_up(tiny_bundle.path)
