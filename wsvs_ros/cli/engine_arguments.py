"""The options that say which engine runs the network."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from wsvs_ros.cli.arguments import count

if TYPE_CHECKING:
    from wsvs_ros.perception import EngineOptions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add them to a subcommand."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        default="auto",
        choices=("auto", "tensorrt", "onnxruntime", "torch"),
        help="what runs the network (default: the fastest that runs here)",
    )
    group.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "float32", "float16", "int8"),
        help="of the network (default: float16 on a GPU, else float32)",
    )
    group.add_argument(
        "--providers", default="", metavar="LIST", help="on what it may compute, in order: cuda,openvino,cpu"
    )
    group.add_argument("--threads", type=count, help="processor threads of the engine (default: physical cores)")
    group.add_argument(
        "--workspace-mb", type=count, default=2048, help="memory for TensorRT while it builds (default: %(default)s)"
    )
    group.add_argument("--compile", action="store_true", help="optimise the torch engine by torch.compile")


def options(args: argparse.Namespace) -> EngineOptions:
    """
    What the arguments ask for.

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
