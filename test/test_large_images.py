"""The settings for large images: they are read, they leave the user's own alone, and they say what they lack."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from wsvs_ros.large_images import FILE, cyclonedds_uri, kernel_warning, rmw_warning

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "config"


def test_the_users_own_settings_come_later() -> None:
    alone = cyclonedds_uri(CONFIG, {})
    assert alone == f"file://{CONFIG / FILE}"
    assert cyclonedds_uri(CONFIG, {"CYCLONEDDS_URI": "<own/>"}) == f"{alone},<own/>"


@pytest.mark.parametrize(("text", "says"), [("212992\n", "keeps 212992 bytes"), ("4194304\n", ""), ("?", "")])
def test_a_kernel_that_keeps_too_little_is_told_of(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "rmem_max").write_text(text)
    found = kernel_warning(tmp_path / "rmem_max")
    assert says in found
    assert bool(found) is bool(says)
    assert kernel_warning(tmp_path / "nothing") == ""


def test_another_middleware_is_told_of() -> None:
    assert rmw_warning({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}) == ""
    assert "not set" in rmw_warning({})
    assert "rmw_fastrtps_cpp" in rmw_warning({"RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"})


def test_cyclone_dds_takes_the_file_and_asks_the_kernel_for_more() -> None:
    """What it sets its sockets to, by its own trace."""
    code = """
        import sys
        from cyclonedds.domain import Domain, DomainParticipant
        from wsvs_ros.embedded import loopback_uri
        trace = "<CycloneDDS><Domain><Tracing><Category>config</Category><OutputFile>stdout</OutputFile></Tracing>"
        trace += "</Domain></CycloneDDS>"
        domain = Domain(98, f"{sys.argv[1]},{loopback_uri()},{trace}")
        DomainParticipant(98)
    """
    words = [sys.executable, "-c", textwrap.dedent(code), cyclonedds_uri(CONFIG, {})]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "CYCLONEDDS_URI": ""})
    assert done.returncode == 0, done.stderr
    assert "SocketReceiveBufferSize[@max]: 16 MiB" in done.stdout
