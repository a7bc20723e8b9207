"""Fixtures that every folder of tests shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import make_tiny_bundle

from wsvs_ros.perception.bundle import ModelBundle


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real frames, beside the checkout; tests that need it are skipped where it is absent."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip("needs ../shared/data (real frames; not part of the repository)")
    return path


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A real bundle, 96x72 and ten fields, that runs in about a millisecond."""
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
