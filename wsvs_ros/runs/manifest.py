"""`manifest.json`: what became of each drive of many; put in place anew whenever something changes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath

from wsvs_ros.errors import WsvsError
from wsvs_ros.files import write_json
from wsvs_ros.runs.find_drives import MANIFEST, choose_folder, identity
from wsvs_ros.runs.run_folder import SUMMARY, RunFolder
from wsvs_ros.runs.segment_worker import Outcome


@dataclass
class Entry:
    """A drive's line in the manifest; `state` is `waiting`, `running`, `done`, `failed` or `interrupted`."""

    input: str
    output: str
    state: str = "waiting"
    error: str = ""
    frames: int = 0
    seconds: float = 0.0

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do: the folder says so, too."""
        run = RunFolder(Path(self.output))
        cameras = [RunFolder(path.parent) for path in run.path.glob(f"*/{SUMMARY}")]
        return self.state == "done" and (run.is_complete or (bool(cameras) and all(one.is_complete for one in cameras)))


class Manifest:
    """
    The drives of a folder of results.

    :param output: the folder; made if need be.
    :param drives: as `find_drives` gives them.
    :param resume: earlier results there are gone on with.
    :param overwrite: earlier results there are replaced.
    :raises WsvsError: if the folder holds anything else, or may not be touched.
    """

    def __init__(self, output: Path, drives: Iterable[tuple[Path, PurePath]], *, resume: bool, overwrite: bool) -> None:
        self.path = output / MANIFEST
        before = read_manifest(output) if not RunFolder(output).is_empty else []
        if before is None:
            raise WsvsError(f"{output}: is not empty and has no {MANIFEST} of `wsvs segment`; give a new folder")
        if before and not (resume or overwrite):
            raise WsvsError(f"{output}: holds results already; --resume goes on with them, --overwrite begins anew")
        earlier = {identity(entry.input): entry for entry in before}
        # drives that came since must not take the folder of one that is there, whoever is still in the archive
        taken = {PurePath(Path(entry.output).resolve().relative_to(output.resolve())) for entry in before}
        self.entries = []
        for path, name in drives:
            found = earlier.pop(identity(str(path)), None)
            if found is None:
                found = Entry(str(path), str(output / choose_folder(path, name, taken)))
            elif overwrite:
                found = Entry(found.input, found.output)
            self.entries.append(found)
        self._others = list(earlier.values())  # no longer asked for; their results are there
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WsvsError(f"{output}: cannot be made a folder: {error.strerror}") from error

    @property
    def failed(self) -> list[Entry]:
        """The drives of which nothing came, or not all."""
        return [entry for entry in self.entries if entry.state == "failed"]

    def waiting(self) -> list[Entry]:
        """The drives that are not done."""
        return [entry for entry in self.entries if not entry.is_done]

    def note(self, entry: Entry, result: Outcome) -> None:
        """Take down what became of a drive."""
        entry.state, entry.frames, entry.seconds = result.state, result.frames, result.seconds
        entry.error = result.message if result.state == "failed" else ""
        write_json(self.path, {"drives": [asdict(one) for one in [*self.entries, *self._others]]})

    def report(self) -> str:
        """A line for the terminal."""
        done = [entry for entry in self.entries if entry.state == "done"]
        frames = sum(entry.frames for entry in done)
        return f"{len(done)} of {len(self.entries)} drives done, {frames} frames: {self.path}"


def read_entries(output: Path) -> list[Entry]:
    """
    The drives of a folder of results, wherever it lay when they were segmented.

    :raises WsvsError: if it has no manifest that can be read.
    """
    path = output / MANIFEST
    try:
        found = [Entry(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))["drives"]]
        if not all(isinstance(entry.output, str) and isinstance(entry.error, str) for entry in found):
            raise TypeError("output and error are texts")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WsvsError(f"{path}: not a manifest of `wsvs segment`: {error!r}") from None
    return found


def read_manifest(output: Path) -> list[Entry] | None:
    """The drives of a folder of results that lies where it was made; None where it is none."""
    try:
        found = read_entries(output)
        inside = all(Path(entry.output).resolve().is_relative_to(output.resolve()) for entry in found)
    except (WsvsError, OSError, ValueError):
        return None
    return found if inside else None
