"""The `wsvs` command line."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

from wsvs_ros import __version__
from wsvs_ros.errors import WsvsError

_COMMANDS = (
    "segment",
    "evaluate",
    "compare",
    "replay",
    "tag",
    "run",
    "play",
    "record",
    "export",
    "bench",
    "demo",
    "doctor",
)

_STATUS = """\
exit status: 0 done, 1 a bound that was asked for is missed (--fail-under, --fail-if-worse) or nothing was measured,
2 an error, told in one line, 130 interrupted, with everything so far in place"""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run a subcommand.

    :return: the exit status, see `_STATUS`.
    """
    logging.basicConfig(format="%(message)s")  # what the package has to say goes to standard error
    try:
        args = _parse(sys.argv[1:] if argv is None else argv)
        return int(args.run(args))
    except WsvsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        if (error.name or "").split(".")[0] == "wsvs_ros":
            raise
        print(f"error: {error}; `wsvs doctor` shows which packages do not load", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `wsvs ... | head`
        sys.stderr.close()
        return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """The subcommand's arguments. Only its own module is loaded, so that `doctor` runs where others cannot."""
    parser = argparse.ArgumentParser(
        prog="wsvs",
        description="Video segmentation learnt from tags: recorded drives, live nodes, evaluation.",
        epilog=_STATUS,
    )
    parser.add_argument("--version", action="version", version=f"wsvs_ros {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = argv[:1] if argv and argv[0] in _COMMANDS else _COMMANDS
    for command in wanted:
        importlib.import_module(f"wsvs_ros.cli.{command}").add_parser(subparsers)
        subparsers.choices[command].epilog = _STATUS
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
