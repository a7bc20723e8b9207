"""The runs of an archive: which there are, where their truth lies, and what each measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsvs_ros.errors import WsvsError
from wsvs_ros.runs.find_drives import MANIFEST
from wsvs_ros.runs.manifest import read_entries
from wsvs_ros.runs.run_folder import SUMMARY, RunFolder


@dataclass(frozen=True)
class ArchivedRun:
    """
    One run of an archive.

    :param name: its folder below the archive's.
    :param error: why there are no results, or not all; empty where there are.
    """

    name: str
    path: Path
    error: str = ""


@dataclass(frozen=True)
class RunRow:
    """
    What the archive's page says of a run; None for what was not measured, shares in [0, 1].

    :param page: its own report, as the archive's page links to it.
    :param seen: classes and their shares of the predicted pixels, the largest first.
    :param lost: what could not be read of the drive.
    :param error: why there are no figures.
    """

    name: str
    page: str = ""
    frames: int = 0
    miou: float | None = None
    steadiness: float | None = None
    uncertainty: float | None = None
    seen: tuple[tuple[str, float], ...] = ()
    latency: tuple[float, float] | None = None
    lost: tuple[str, ...] = ()
    error: str = ""

    @classmethod
    def of(cls, run: ArchivedRun, page: str, figures: dict[str, Any]) -> RunRow:
        """
        :param figures: its `report.json`.
        """
        summary = RunFolder(run.path).summary()
        latency = figures["latency_ms"]
        seen = sorted(figures["seen_per_class"].items(), key=lambda item: -item[1])
        return cls(
            name=run.name,
            page=page,
            frames=figures["frames"],
            miou=figures["miou"],
            steadiness=figures["temporal"]["agreement"],
            uncertainty=figures["uncertainty"],
            seen=tuple((name, share) for name, share in seen if share >= 0.0005),
            latency=(latency["p50"], latency["p95"]) if latency else None,
            lost=tuple(map(str, summary.get("refused") or ())),
            error=run.error,
        )


def is_archive_output(folder: Path) -> bool:
    """Whether a folder is what `wsvs segment` made of several drives."""
    return (folder / MANIFEST).is_file()


def find_runs(folder: Path) -> list[ArchivedRun]:
    """
    The runs of an archive, those that failed among them.

    A drive with several cameras has a run for each, in folders of its own.

    :raises WsvsError: if the manifest cannot be read, or names no drive.
    """
    told = read_entries(folder)
    runs = [run for entry in told for run in _runs_of(folder, Path(entry.output), entry.state, entry.error)]
    if not runs:
        raise WsvsError(f"{folder / MANIFEST}: names no drive")
    return runs


def truth_of(labels: Path | None, run: ArchivedRun) -> Path | None:
    """
    A run's truth: what has its name in the folder of truths.

    :return: None where there is none, or none was given.
    """
    if labels is None:
        return None
    found = [path for path in (labels / run.name, *labels.glob(f"{run.name}.*")) if path.exists()]
    return found[0] if found else None


def worst_first(rows: Sequence[RunRow]) -> list[RunRow]:
    """What failed, then by mIoU where there is truth, then by steadiness, then what could not be measured."""

    def key(row: RunRow) -> tuple[int, float, str]:
        if not row.page:
            return 0, 0.0, row.name
        if row.miou is not None:
            return 1, row.miou, row.name
        return (3, 0.0, row.name) if row.steadiness is None else (2, row.steadiness, row.name)

    return sorted(rows, key=key)


def _runs_of(folder: Path, output: Path, state: str, error: str) -> list[ArchivedRun]:
    # the archive may have been moved since: its drives lie in it under the same names
    inside = output if output.is_dir() else next((at for at in _below(folder, output) if at.is_dir()), output)
    why = "" if state == "done" else error or f"is {state}"
    if (inside / SUMMARY).is_file() or not any(inside.glob(f"*/{SUMMARY}")):
        name = _name(folder, inside)
        return [ArchivedRun(name, inside, why or ("" if (inside / SUMMARY).is_file() else "its results are gone"))]
    return [ArchivedRun(_name(folder, path.parent), path.parent, why) for path in sorted(inside.glob(f"*/{SUMMARY}"))]


def _below(folder: Path, output: Path) -> list[Path]:
    return [folder.joinpath(*output.parts[k:]) for k in range(1, len(output.parts))]


def _name(folder: Path, path: Path) -> str:
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
