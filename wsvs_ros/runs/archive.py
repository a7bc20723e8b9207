"""Many drives at once: found, handed out, and kept account of in a manifest."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from wsvs_ros.drives.open import is_bag
from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.resume import is_complete
from wsvs_ros.runs.segment_worker import Outcome, as_plain_data

MANIFEST = "manifest.json"
_VIDEOS = {".mp4", ".avi", ".mkv", ".mov", ".webm"}
_IMAGES = {".png", ".jpg", ".jpeg", ".bmp"}


@dataclass
class Entry:
    """A drive's line in the manifest; `state` is `waiting`, `running`, `done`, `failed` or `interrupted`."""

    input: str
    output: str
    state: str = "waiting"
    error: str = ""
    frames: int = 0
    seconds: float = 0.0


def find_drives(inputs: list[str]) -> list[tuple[Path, str]]:
    """
    The drives that are named, and those in folders that are archives: bags and videos, at any depth.

    :return: each with the name of its folder of results, unique.
    :raises WsvsError: if a path does not exist or an archive is empty.
    """
    found: list[tuple[Path, str]] = []
    for text in inputs:
        path = Path(text)
        if text != "synthetic" and not path.exists():
            raise WsvsError(f"{path}: no such file or folder")
        if not is_archive(path):
            found.append((path, path.stem if path.is_file() else path.resolve().name))
            continue
        inside = sorted(_inside(path))
        if not inside:
            raise WsvsError(f"{path}: neither images nor a bag, and no bags or videos in it")
        found += [
            (one, str(one.relative_to(path).with_suffix("") if one.is_file() else one.relative_to(path)))
            for one in inside
        ]
    names: dict[str, int] = {}
    unique = []
    for path, name in found:
        names[name] = names.get(name, 0) + 1
        unique.append((path, name if names[name] == 1 else f"{name}-{names[name]}"))
    return unique


def is_archive(path: Path) -> bool:
    """Whether a folder is no drive itself."""
    if not path.is_dir() or is_bag(path) or (path / "images").is_dir():
        return False
    return not any(file.suffix.lower() in _IMAGES for file in path.iterdir())


def run_archive(args: argparse.Namespace) -> int:
    """
    Segment all drives; one that fails does not stop the others.

    :return: 0, or 130 if interrupted.
    :raises WsvsError: in the end, if any failed.
    """
    manifest = _Manifest(args, find_drives(args.input))
    waiting = manifest.waiting()
    hands = _hands(args, manifest.options(waiting))
    with Interruption() as interruption, tqdm(total=len(waiting), unit="drive", disable=args.quiet) as progress:
        for index, result in hands(interruption):
            manifest.note(waiting[index], result)
            progress.update(result.state != "running")
    print(manifest.report())
    failed = manifest.failed
    if interruption.wanted:
        return 130
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        raise WsvsError(f"{failed[0].input}: {failed[0].error}{more}; see {manifest.path}")
    return 0


def _hands(args: argparse.Namespace, options: list[dict[str, Any]]) -> Any:
    """Who does the work: processes here, or a Ray cluster."""
    if args.ray:
        from wsvs_ros.runs.ray_pool import RayPool

        return RayPool(args.ray, options)
    from wsvs_ros.runs.local_pool import LocalPool

    return LocalPool(args.jobs, options)


class _Manifest:
    """`manifest.json`: what became of each drive; written aside whenever something changes."""

    def __init__(self, args: argparse.Namespace, drives: list[tuple[Path, str]]) -> None:
        self._args = args
        self.path = args.output / MANIFEST
        earlier = {entry.input: entry for entry in self._earlier()}
        self._entries = [earlier.get(str(path)) or Entry(str(path), str(args.output / name)) for path, name in drives]
        try:
            args.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WsvsError(f"{args.output}: cannot be made a folder: {error.strerror}") from error

    @property
    def failed(self) -> list[Entry]:
        """The drives of which nothing came, or not all."""
        return [entry for entry in self._entries if entry.state == "failed"]

    def waiting(self) -> list[Entry]:
        """The drives that are not done."""
        return [entry for entry in self._entries if not (entry.state == "done" and is_complete(Path(entry.output)))]

    def options(self, entries: list[Entry]) -> list[dict[str, Any]]:
        """What each drive's process is told."""
        from wsvs_ros.cores import usable_cores

        threads = self._args.threads
        if threads is None and self._args.jobs > 1:
            threads = max(1, usable_cores() // self._args.jobs)
        return [
            as_plain_data(
                self._args,
                input=_absolute(entry.input),
                output=str(Path(entry.output).resolve()),
                threads=threads,
                share=threads if self._args.jobs > 1 else None,
                quiet=True,
                ray=None,
                jobs=1,
            )
            for entry in entries
        ]

    def note(self, entry: Entry, result: Outcome) -> None:
        """Take down what became of a drive."""
        entry.state, entry.frames, entry.seconds = result.state, result.frames, result.seconds
        entry.error = result.said if result.state == "failed" else ""
        if entry.error:
            tqdm.write(f"failed: {entry.input}: {entry.error}")
        content = {"drives": [asdict(one) for one in self._entries]}
        write_json(self.path, content)

    def report(self) -> str:
        """A line for the terminal."""
        done = [entry for entry in self._entries if entry.state == "done"]
        frames = sum(entry.frames for entry in done)
        return f"{len(done)} of {len(self._entries)} drives done, {frames} frames: {self.path}"

    def _earlier(self) -> Iterator[Entry]:
        """The manifest of an earlier run, of which the folder's results are."""
        folder = self._args.output
        if not folder.is_dir() or not any(folder.iterdir()):
            return
        try:
            found = [Entry(**entry) for entry in json.loads(self.path.read_text(encoding="utf-8"))["drives"]]
        except (OSError, ValueError, KeyError, TypeError):
            raise WsvsError(
                f"{folder}: is not empty and has no {MANIFEST} of `wsvs segment`; give a new folder"
            ) from None
        if not (self._args.resume or self._args.overwrite):
            raise WsvsError(f"{folder}: holds results already; --resume goes on with them, --overwrite begins anew")
        if self._args.resume:
            yield from found


def _absolute(text: str) -> str:
    return text if text == "synthetic" else str(Path(text).resolve())


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if is_bag(path) or (path.is_file() and path.suffix.lower() in _VIDEOS):
            yield path
        elif path.is_dir():
            yield from _inside(path)
