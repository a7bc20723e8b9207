"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import make_tiny_bundle

from wsvs_ros import embedded
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.runs.domains import free_domain

if not any(Path("/dev").glob("nvidia[0-9]*")):
    # Triton asks when it is imported, whichever test does so first: its interpreter stands for the GPU
    os.environ.setdefault("TRITON_INTERPRET", "1")


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


@pytest.fixture(scope="session")
def embedded_middleware() -> None:
    """`import rclpy` finds the embedded middleware: on loopback, in a domain that no other test uses."""
    if not getattr(sys.modules.get("rclpy"), "__embedded__", False) and importlib.util.find_spec("rclpy") is not None:
        pytest.skip("ROS 2 is sourced here: test/ros_live runs instead of the embedded middleware's tests")
    os.environ["CYCLONEDDS_URI"] = embedded.loopback_uri()
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    embedded.install()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, driven by Playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright (the extra `test`)")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium: apt-get install --no-install-recommends chromium")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def ros(embedded_middleware: None) -> Iterator[Any]:
    """The middleware, started and stopped."""
    import rclpy

    rclpy.init(args=[])
    yield rclpy
    rclpy.try_shutdown()
