"""Decode the tagged drives and compute their flow ahead of training: ``python -m training.flow CONFIG --work DIR``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from training.config import load_config
from training.running.command_line import command_parser, run_command, work_folder
from training.running.stages import load_samples
from training.running.work_directory import locked


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    args = command_parser("flow", __doc__).parse_intermixed_args(argv)  # overrides may stand after options

    def job() -> str:
        config = load_config(args.config, args.overrides)
        work = work_folder(args, config)
        with locked(work):
            samples = load_samples(config, work)
        moving = sum(sample.load_flow is not None for sample in samples)
        return f"{len(samples)} samples, {moving} of them with flow; caches: {work / 'drives'}"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
