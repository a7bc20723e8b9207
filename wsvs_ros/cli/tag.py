"""`wsvs tag`: say in the browser which classes the clips of drives show."""

from __future__ import annotations

import argparse
import getpass
import os
import socket
import sys
import threading
import webbrowser
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsvs_ros.cli.arguments import positive
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet

if TYPE_CHECKING:
    from wsvs_ros.tagging.access import Access
    from wsvs_ros.tagging.server import TaggingServer
    from wsvs_ros.tagging.session import TaggingSession


def add_parser(subparsers: Any) -> None:
    """Add `tag` to the command line."""
    parser = subparsers.add_parser(
        "tag",
        help="tag drives in the browser: which classes each clip shows",
        description="Open a page on this machine only (127.0.0.1) where each clip of the drives is tagged by keys. "
        "Every change is saved at once, by default to DRIVE.tags.yaml beside each drive; Ctrl-C ends, and the same "
        "command goes on. The page needs `pip install 'wsvs_ros[tag]'`.",
    )
    parser.add_argument("drives", nargs="*", type=Path, metavar="DRIVE", help="videos, folders of images or bags")
    parser.add_argument("--tags", type=Path, metavar="FILE", help="one tags.yaml for all drives")
    parser.add_argument("--label-set", default="camvid11", help="built-in name or YAML file (default: %(default)s)")
    parser.add_argument(
        "--keep", action="append", default=[], metavar="CLASS", help="a tag of no class that stays in the file as it is"
    )
    parser.add_argument(
        "--clip-seconds", type=positive, metavar="S", help="clips of equal length (default: scenes, at most 10 s long)"
    )
    parser.add_argument("--model", metavar="DIR", help="bundle that suggests classes (default: the one of the package)")
    parser.add_argument("--suggestions", type=Path, metavar="FILE", help="JSON with scores of other models")
    parser.add_argument("--no-suggestions", action="store_true", help="tick nothing beforehand")
    parser.add_argument(
        "--threshold", type=positive, default=0.5, help="score that ticks a class (default: %(default)s)"
    )
    parser.add_argument("--review", action="store_true", help="begin with clips whose tags and suggestions differ most")
    parser.add_argument(
        "--into-bag",
        action="store_true",
        help="open no page: write the tags that there are into the bags themselves (rosbag2's metadata.yaml, or an "
        "attachment of a single mcap file), so that they travel with them; no message is changed",
    )
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="YAML with keys of your own, `class: key`; other classes keep theirs"
    )
    parser.add_argument("--iconic", type=Path, metavar="FOLDER", help="pictures to sort into classes, on a second page")
    parser.add_argument("--iconic-out", type=Path, metavar="OUT", help="where copies go (default: FOLDER.sorted)")
    parser.add_argument("--topic", help="image topic of bags with several")
    parser.add_argument("--fps", type=positive, help="frames per second (default: the drive's; 15 for folders)")
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="on 127.0.0.1 (default: any free one); name one for an SSH tunnel, which leads from the same port",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    if not args.drives and args.iconic is None:
        raise WsvsError("nothing to tag: name a DRIVE, or pictures to sort with --iconic FOLDER")
    if args.into_bag:
        return _write_into_bags(args)
    try:
        import uvicorn
    except ImportError as error:
        raise WsvsError(f"{error}; the page needs the extra `tag`: pip install 'wsvs_ros[tag]'") from None
    from wsvs_ros.tagging.access import Access
    from wsvs_ros.tagging.background import Background
    from wsvs_ros.tagging.iconic import IconicSorter
    from wsvs_ros.tagging.keys import assign_keys, load_keys
    from wsvs_ros.tagging.server import TaggingServer
    from wsvs_ros.tagging.workspace import DEFAULT_SECONDS, DriveOptions, open_session

    label_set = LabelSet.load(args.label_set)
    options = DriveOptions(args.clip_seconds or DEFAULT_SECONDS, args.topic, args.fps)
    session = open_session(args.drives, label_set, tags=args.tags, kept=args.keep, options=options)
    keys = assign_keys(label_set.names, load_keys(args.keys, label_set.names) if args.keys else {})
    iconic = IconicSorter(args.iconic, label_set, args.iconic_out) if args.iconic else None
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(args.port))
        access = Access(listener.getsockname()[1], _tell_next)
        suggester = _suggester(args, label_set) if args.drives else None
        if suggester is not None:
            stack.callback(suggester.close)
        stack.enter_context(Background(session, scenes=args.clip_seconds is None, suggester=suggester))
        server = TaggingServer(
            session, label_set, access, keys=keys, iconic=iconic, threshold=args.threshold, review=args.review
        )
        stack.callback(server.close)
        _tell(access, server, session, args)
        config = uvicorn.Config(server.app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        with suppress(KeyboardInterrupt):  # the way to end
            uvicorn.Server(config).run(sockets=[listener])
    print("everything is saved; the same command goes on from here")
    return 0


def _write_into_bags(args: argparse.Namespace) -> int:
    from wsvs_ros.tagging.into_bag import write_into_bag
    from wsvs_ros.tagging.workspace import DEFAULT_SECONDS, DriveOptions, open_session

    options = DriveOptions(DEFAULT_SECONDS, args.topic, args.fps)
    label_set = LabelSet.load(args.label_set)
    session = open_session(args.drives, label_set, tags=args.tags, kept=args.keep, options=options)
    for index, drive in enumerate(session.drives):
        print(f"{len(drive.touched())} clips of {drive.name}: {write_into_bag(session, index)}")
    return 0


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(64)  # a browser that is faster than the server waits for it
    except (OSError, OverflowError) as error:
        listener.close()
        raise WsvsError(f"--port {port}: {error}; leave it out for any free one") from error
    return listener


def _suggester(args: argparse.Namespace, label_set: LabelSet) -> Any:
    """What suggests classes; None if nothing shall, or nothing knows a class of the label set."""
    from wsvs_ros.perception import ModelBundle, default_bundle_path
    from wsvs_ros.tagging.suggestions import CombinedSuggester, FileSuggester, SegmenterSuggester

    if args.no_suggestions:
        return None
    bundle = ModelBundle.load(args.model or default_bundle_path())
    found: list[Any] = [FileSuggester(args.suggestions, label_set)] if args.suggestions else []
    if set(bundle.labels.names) & set(label_set.names):
        found.append(SegmenterSuggester(bundle, label_set))
    elif not found:
        print(f"no suggestions: model {bundle.name} knows no class of {label_set.name}; see --model", file=sys.stderr)
    return CombinedSuggester(found)


def _tell(access: Access, server: TaggingServer, session: TaggingSession, args: argparse.Namespace) -> None:
    for file in server.files:
        print(f"tags are saved to {file}")
    for drive in session.drives:
        if drive.in_bag and drive.touched() and drive.name not in drive.file.time_bases():
            print(f"the tags of {drive.name} were taken from the bag itself")
        elif drive.touched() and drive.name not in drive.file.time_bases():
            print(f"{drive.file.path} does not say what the times of {drive.name} count: taken as {drive.time_base}")
    remote = os.environ.get("SSH_CONNECTION", "").split()
    if remote:
        port = access.port
        print(f"from your own machine: ssh -N -L {port}:127.0.0.1:{port} {getpass.getuser()}@{socket.gethostname()}")
    print(f"open {access.address}", flush=True)
    if not args.no_browser and not remote:
        threading.Thread(target=webbrowser.open, args=[access.address], daemon=True).start()


def _tell_next(address: str) -> None:
    print(f"the page is open; for another browser: {address}", flush=True)
