"""Real DDS traffic, on loopback, in a domain that no other test uses."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    if request.path.name != "test_contract.py":  # which holds for rclpy, too
        request.getfixturevalue("embedded_middleware")
