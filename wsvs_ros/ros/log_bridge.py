"""What the package says through Python's `logging`, in the node's log."""

from __future__ import annotations

import logging
from typing import Any


class LogBridge(logging.Handler):
    """
    Hands the records of the package's loggers to a node's logger.

    :param logger: an rclpy logger.
    """

    def __init__(self, logger: Any) -> None:
        super().__init__(logging.INFO)
        self._logger = logger
        self._package = logging.getLogger("wsvs_ros")

    def __enter__(self) -> LogBridge:
        self._before = (self._package.level, self._package.propagate)
        self._package.setLevel(logging.INFO)
        self._package.propagate = False
        self._package.addHandler(self)
        return self

    def __exit__(self, *exc: object) -> None:
        self._package.removeHandler(self)
        self._package.level, self._package.propagate = self._before

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on; rclpy wants a line of its own for each severity."""
        text = record.getMessage()
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)
