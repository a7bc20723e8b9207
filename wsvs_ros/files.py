"""Files that are whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from wsvs_ros.errors import WsvsError


def write_json(path: Path, result: dict[str, Any]) -> None:
    """
    Write figures aside and put them in place.

    :raises WsvsError: if that is not possible.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise WsvsError(f"{path}: cannot be written: {error.strerror}") from error
