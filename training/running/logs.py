"""A training run's metrics as JSON lines, for scripts; TensorBoard shows the same to people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only


class JsonLinesLogger(Logger):
    """
    Appends one JSON object a logged step: ``{"step": 10, "loss": 1.2, ...}``.

    :param path: the file; a resumed run goes on writing it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def version(self) -> str:
        """Runs are told apart by their folders."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *_args: Any, **_kwargs: Any) -> None:
        """The configuration lies beside the logs already."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Append a line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **metrics}) + "\n")
