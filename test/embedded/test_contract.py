"""The contract that rclpy keeps, too, on the embedded middleware; and that it names all that is on the closed list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import rclpy_contract
from rclpy_contract import CASES, Case

from wsvs_ros.embedded.surface import CLASSES, MODULES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_embedded_middleware_keeps(case: Case, embedded_middleware: None) -> None:
    case.run()


def test_the_contract_names_all_that_there_is() -> None:
    """A name without a case would be a promise that nobody checks."""
    files = Path(rclpy_contract.__file__).parent.glob("*.py")
    text = "".join(path.read_text() for path in files)
    inner = {"callback", "context", "destroy", "lifespan", "publishers", "services", "subscriptions", "timers"}
    names = {name for kept in (MODULES, CLASSES) for listed in kept.values() for name in listed} - inner
    assert not {name for name in names if not re.search(rf"\b{name}\b", text)}
