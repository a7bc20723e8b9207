"""The `wsvs` command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from wsvs_ros import __version__
from wsvs_ros.cli import demo, doctor, evaluate, play, record, run, segment
from wsvs_ros.errors import WsvsError

_COMMANDS = (segment, evaluate, run, play, record, demo, doctor)


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run a subcommand.

    :return: the exit status: 0, 2 on an error that the user can mend, 130 when interrupted.
    """
    parser = argparse.ArgumentParser(
        prog="wsvs", description="Video segmentation learnt from tags: recorded drives, live nodes, evaluation."
    )
    parser.add_argument("--version", action="version", version=f"wsvs_ros {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except WsvsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `wsvs ... | head`
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
