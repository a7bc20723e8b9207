from __future__ import annotations

from pathlib import Path

import pytest

from wsvs_ros.directories import replace_directory


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "model"
    replace_directory(path, {"a": b"old"})
    with pytest.raises(OSError, match="no such folder/b"):
        replace_directory(path, {"a": b"new", "no such folder/b": b"new"})
    assert (path / "a").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
