"""The engine that a command line asks for."""

from __future__ import annotations

import argparse
from typing import Any


def engine_options(args: argparse.Namespace) -> Any:
    """
    What the arguments ask for, as `EngineOptions`.

    :raises EngineError: if a value is none of those there are.
    """
    from wsvs_ros.perception import EngineOptions
    from wsvs_ros.perception.engines import parse_providers

    return EngineOptions(
        engine=args.engine,
        precision=args.precision,
        providers=parse_providers(args.providers),
        threads=args.threads,
        workspace_mb=args.workspace_mb,
        compile=args.compile,
    )
