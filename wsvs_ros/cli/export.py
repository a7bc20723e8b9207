"""`wsvs export`: other precisions of a bundle, and engines built ahead of the drive."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import Any

from wsvs_ros.cli import engine_arguments
from wsvs_ros.cli.arguments import count
from wsvs_ros.errors import WsvsError

_DERIVED = ("float16", "int8")


def add_parser(subparsers: Any) -> None:
    """Add `export` to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="float16 and int8 networks of a bundle; TensorRT engines ahead of time",
        description="Make float16 and int8 networks from a bundle's float32 one, calibrated on and compared by frames "
        "of a recorded drive, and write a bundle with all of them; nothing is written if one is out of bounds. Or, "
        "with --build-only, build and keep the engine that a node would build at its first start.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="model bundle")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="the new bundle; BUNDLE itself is allowed")
    parser.add_argument("--frames", metavar="DRIVE", help="a drive of your camera: video, bag or folder of images")
    parser.add_argument("--count", type=count, default=48, help="frames of it to take (default: %(default)s)")
    parser.add_argument("--build-only", action="store_true", help="build the engine and write no bundle")
    engine_arguments.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert or build."""
    from wsvs_ros.perception import ModelBundle

    bundle = ModelBundle.load(args.bundle)
    if args.build_only:
        if args.output or args.frames:
            raise WsvsError("--build-only writes no bundle: leave --output and --frames out")
        return _build(args, bundle)
    if args.output is None or args.frames is None:
        raise WsvsError("--output and --frames are needed, or --build-only")
    if args.precision not in ("auto", *_DERIVED):
        raise WsvsError(f"--precision {args.precision}: float16 or int8 can be made (default: both)")
    return _convert(args, bundle)


def _build(args: argparse.Namespace, bundle: Any) -> int:
    from wsvs_ros.perception import create_engine
    from wsvs_ros.perception.engines import describe

    logging.getLogger("wsvs_ros").setLevel(logging.INFO)
    begin = time.monotonic()
    engine = create_engine(bundle, engine_arguments.options(args))
    print(f"{describe(engine)}: ready after {time.monotonic() - begin:.1f} s")
    engine.close()
    return 0


def _convert(args: argparse.Namespace, bundle: Any) -> int:
    from wsvs_ros.export import derive, describe_files, frames_of_drive
    from wsvs_ros.perception import ModelBundle

    precisions = _DERIVED if args.precision == "auto" else (args.precision,)
    with frames_of_drive(bundle, args.frames, args.count) as frames:
        made, measured = derive(bundle, precisions, frames)
    kept = {variant: model.path.read_bytes() for variant, model in bundle.models.items() if variant != "float32"}
    parity = {variant: model.parity for variant, model in bundle.models.items() if model.parity is not None}
    card = bundle.path / "README.md"
    written = ModelBundle.write(
        args.output,
        bundle.model_path,
        name=bundle.name,
        labels=bundle.labels,
        working_size=bundle.working_size,
        window_length=bundle.window_length,
        lookahead=bundle.lookahead,
        flow=bundle.flow,
        variants={**kept, **made},
        parity={**parity, **measured},
        trained_on=bundle.trained_on,
        metrics=bundle.metrics,
        readme=card.read_text(encoding="utf-8") if card.is_file() else "",
    )
    print(describe_files(written))
    return 0
