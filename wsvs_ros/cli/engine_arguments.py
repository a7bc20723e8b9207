"""The options that say which engine runs the network."""

from __future__ import annotations

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add them to a subcommand."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine", default="auto", help="auto, tensorrt, onnxruntime or torch (default: the fastest that runs here)"
    )
    group.add_argument(
        "--precision", default="auto", help="float32, float16 or int8 (default: float16 on a GPU, else float32)"
    )
    group.add_argument(
        "--providers", default="", metavar="LIST", help="on what it may compute, in order: cuda,openvino,cpu"
    )
    group.add_argument("--threads", type=int, help="processor threads of the engine (default: physical cores)")
    group.add_argument(
        "--workspace-mb", type=int, default=2048, help="memory for TensorRT while it builds (default: %(default)s)"
    )
    group.add_argument("--compile", action="store_true", help="optimise the torch engine by torch.compile")
