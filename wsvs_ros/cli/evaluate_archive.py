"""`wsvs evaluate` of an archive: every drive, and one page over all of them."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tqdm import tqdm

from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.archive import ArchivedRun, RunRow, find_runs, truth_of, worst_first
from wsvs_ros.evaluation.archive_report import DRIVES, check_archive_folder, summarised, write_archive_report
from wsvs_ros.evaluation.drive_pool import evaluate_here, evaluate_on_ray
from wsvs_ros.evaluation.page import FIGURES, PAGE
from wsvs_ros.files import check_writable, write_json
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.runs.run_folder import RunFolder

_PASSED_ON = ("label_set", "map", "truth_map", "labels_topic", "pred_topic")


def evaluate_archive(args: argparse.Namespace) -> int:
    """
    Evaluate each drive in a process of its own, print a line for each, and write the page over all.

    :return: 0; drives of which nothing can be said stand at the top.
    :raises WsvsError: if nothing could be measured, or an option belongs to a single run.
    """
    if args.images:
        raise WsvsError(f"--images belongs to one drive, and {args.pred} holds the results of several")
    if args.report is not None:
        check_archive_folder(args.report)
    if args.json is not None:
        check_writable(args.json)
    runs = find_runs(args.pred)
    truths = [truth_of(args.labels, run) for run in runs]
    if args.labels is not None and not any(truths):
        raise WsvsError(f"{args.labels}: has nothing of the drives' names, e.g. {args.labels / runs[0].name}")
    with _folder(args.report) as folder:
        rows, label_sets = _rows(args, runs, truths, folder)
        if not any(row.page for row in rows):
            raise WsvsError(f"{args.pred}: nothing could be measured: {rows[0].name}: {rows[0].error}")
        _print(rows)
        if args.json is not None:
            write_json(args.json, {**summarised(rows), "drives": [_plain(row) for row in worst_first(rows)]})
        if args.report is not None:
            print(f"report: {write_archive_report(args.report, args.pred, rows, label_sets)}")
    return 0


def _rows(
    args: argparse.Namespace, runs: Sequence[ArchivedRun], truths: Sequence[Path | None], folder: Path
) -> tuple[list[RunRow], list[LabelSet]]:
    there = [k for k, run in enumerate(runs) if RunFolder(run.path).summary_path.is_file()]
    commands = [_command(args, runs[k], truths[k], folder / DRIVES / runs[k].name) for k in there]
    ends = evaluate_on_ray(commands, args.ray) if args.ray else evaluate_here(commands, args.jobs)
    wrong: dict[int, str] = {}
    with tqdm(total=len(commands), unit="drive", disable=args.quiet) as progress:
        for index, error in ends:
            progress.update()
            if error:
                wrong[there[index]] = error
                tqdm.write(f"failed: {runs[there[index]].name}: {error}")
    rows, label_sets = [], {}
    for k, run in enumerate(runs):
        if k not in there or k in wrong:
            rows.append(RunRow(run.name, error=wrong.get(k) or run.error))
            continue
        figures = json.loads((folder / DRIVES / run.name / FIGURES).read_text(encoding="utf-8"))
        rows.append(RunRow.of(run, quote(f"{DRIVES}/{run.name}/{PAGE}"), figures))
        label_sets[figures["label_set"]] = _label_set(run, figures["label_set"])
    return rows, [found for found in label_sets.values() if found is not None]


def _label_set(run: ArchivedRun, name: str) -> LabelSet | None:
    """For its colours."""
    try:
        return RunFolder(run.path).label_set or LabelSet.load(name)
    except WsvsError:
        return None


def _command(args: argparse.Namespace, run: ArchivedRun, truth: Path | None, report: Path) -> list[str]:
    told = ["evaluate", "--pred", run.path.resolve(), "--report", report.resolve(), "--quiet"]
    for name in _PASSED_ON:
        if getattr(args, name):
            told += ["--" + name.replace("_", "-"), getattr(args, name)]
    if truth is not None:
        told += ["--labels", truth.resolve()]
    if args.allow_missing:
        told.append("--allow-missing")
    return [str(word) for word in told]


@contextmanager
def _folder(report: Path | None) -> Iterator[Path]:
    """Where the drives' reports go: into the archive's own, else nowhere that stays."""
    if report is not None:
        yield report
        return
    with tempfile.TemporaryDirectory(prefix="wsvs-evaluate-") as folder:
        yield Path(folder)


def _print(rows: Sequence[RunRow]) -> None:
    width = max(len(row.name) for row in rows)
    print(f"{'drive':<{width}}  mIoU %  steady %  frames  p95 ms")
    for row in worst_first(rows):
        if not row.page:
            print(f"{row.name:<{width}}  {row.error}")
            continue
        latency = f"{row.latency[1]:.0f}" if row.latency else "-"
        told = f"{_percent(row.miou):>6}  {_percent(row.steadiness):>8}  {row.frames:>6}  {latency:>6}"
        print(f"{row.name:<{width}}  {told}" + (f"  {row.error or row.lost[0]}" if row.error or row.lost else ""))


def _plain(row: RunRow) -> dict[str, Any]:
    return {key: value for key, value in asdict(row).items() if key != "page"}


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
