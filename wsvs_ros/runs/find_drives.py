"""The drives in folders of recordings, and a folder of results for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from wsvs_ros.drives.open import is_bag
from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.run_folder import RunFolder

MANIFEST = "manifest.json"
_VIDEOS = {".mp4", ".avi", ".mkv", ".mov", ".webm"}
_IMAGES = {".png", ".jpg", ".jpeg", ".bmp"}
_RESERVED = {"manifest.json", "report"}  # in the folder of all results


def is_archive(path: Path) -> bool:
    """Whether a folder is no drive itself."""
    if not path.is_dir() or is_bag(path) or (path / "images").is_dir():
        return False
    return not any(file.suffix.lower() in _IMAGES for file in path.iterdir())


def find_drives(inputs: Iterable[str], *, output: Path | None = None) -> list[tuple[Path, PurePath]]:
    """
    The drives that are named, and those in folders that are archives: bags and videos, at any depth.

    What runs have written is no drive of an archive: neither what lies in `output` nor other folders of results.

    :param output: where results go, which may lie within an archive.
    :return: each once, with what it would be called: its path within the archive.
    :raises WsvsError: if a path does not exist or an archive is empty.
    """
    found: dict[str, tuple[Path, PurePath]] = {}
    for text in inputs:
        path = Path(text)
        if text == "synthetic":
            found.setdefault(text, (path, PurePath(text)))
            continue
        if not path.exists():
            raise WsvsError(f"{path}: no such file or folder")
        if not is_archive(path):
            found.setdefault(identity(text), (path, PurePath(path.resolve().name)))
            continue
        inside = list(_inside(path, None if output is None else output.resolve()))
        if not inside:
            raise WsvsError(f"{path}: neither images nor a bag, and no bags or videos in it")
        for one in inside:
            found.setdefault(identity(str(one)), (one, one.relative_to(path)))
    return list(found.values())


def identity(text: str) -> str:
    """By what a drive is known, however its path was written."""
    return text if text == "synthetic" else str(Path(text).resolve())


def choose_folder(path: Path, name: PurePath, taken: set[PurePath]) -> PurePath:
    """
    A folder for a drive's results that is neither another's, nor within it, nor around it.

    :param name: the drive's path within its archive.
    :param taken: folders of other drives; the chosen one is added.
    :return: the name without its suffix where that is free, else with it, else numbered.
    """
    bare = name.with_suffix("") if path.is_file() else name
    flat = PurePath("_".join(name.parts))
    candidates: Iterator[PurePath] = iter(
        [bare, name, flat, *(flat.with_name(f"{flat.name}-{number}") for number in range(2, len(taken) + 4))]
    )
    chosen = next(
        one
        for one in candidates
        if one.parts[0].casefold() not in _RESERVED and not any(_clash(one, other) for other in taken)
    )
    taken.add(chosen)
    return chosen


def _clash(one: PurePath, other: PurePath) -> bool:
    """Whether one is the other, or lies in it; FAT and others know no case."""
    a, b = (tuple(part.casefold() for part in path.parts) for path in (one, other))
    short = min(len(a), len(b))
    return a[:short] == b[:short]


def _inside(folder: Path, output: Path | None) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if is_bag(path) or (path.is_file() and path.suffix.lower() in _VIDEOS):
            yield path
        elif path.is_dir() and path.resolve() != output and not _holds_results(path):
            yield from _inside(path, output)


def _holds_results(folder: Path) -> bool:
    return RunFolder(folder).is_run or (folder / MANIFEST).is_file() or (folder / "cameras.json").is_file()
