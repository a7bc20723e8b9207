"""
One command for the day that a GPU is at hand, for some minutes and without a network.

    python -m benchmarks.gpu [--minutes 8] [--output gpu] [--parts flow,crf]

Runs each part in a process of its own, within its share of what is left of the time; a part that fails or hangs
costs its own figures only. After each part OUTPUT.json (all that was measured) and OUTPUT.md (a table) are written
anew. Needs torch and what the package itself installs; Triton, TensorRT and pytest are used where they are. Without a
GPU each part says so and runs what can run. The exit status is 1 if a part failed or hung, else 0.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
# the shares of the time; what a part leaves goes to those after it
_PARTS = {"machine": 1, "flow": 3, "flow-times": 2, "crf": 2, "engines": 5, "frame": 4, "tests": 6}
_TAIL = 2000  # characters of a failed part's output that are kept
_RESERVE = 2.0  # seconds to write the results in


@dataclass
class Part:
    """
    What became of a part.

    :param status: `ok`, `no GPU` (it ran what it could), `failed`, `timed out` or `not begun`.
    :param seconds: that it took.
    :param limit: that it had.
    :param rows: what it measured, each with the key `what`.
    :param output: the end of what it printed, if it did not succeed.
    """

    status: str = "not begun"
    seconds: float = 0.0
    limit: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    output: str = ""


def run_part(command: list[str], limit: float) -> Part:
    """
    Run a part in a process group of its own, and end all of it when its time is up.

    :param command: gets one more argument, the file to which the part adds a JSON object a line.
    :param limit: seconds.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        rows, log = Path(folder) / "rows.jsonl", Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, str(rows)], stdout=output, stderr=subprocess.STDOUT, cwd=_ROOT, start_new_session=True
            )
            try:
                status = "ok" if process.wait(limit) == 0 else "failed"
            except subprocess.TimeoutExpired:
                status = "timed out"
            finally:  # what the part has started may outlive it
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        found = _read_rows(rows)
        if status == "ok" and any("no GPU" in row for row in found):
            status = "no GPU"
        text = log.read_text(errors="replace").strip()[-_TAIL:] if status in ("failed", "timed out") else ""
    return Part(status, round(time.monotonic() - start, 1), round(limit, 1), found, text)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    """All that were written whole."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:  # the part was ended while it wrote
            break
    return rows


def run_all(commands: dict[str, list[str]], shares: dict[str, float], seconds: float, output: Path) -> dict[str, Part]:
    """
    Run the parts one after the other within a time, and write the results after each.

    :param commands: a part's command, by its name.
    :param shares: of the time, by the same names.
    :param output: the path of the two files, without their endings.
    """
    end = time.monotonic() + seconds - _RESERVE
    parts = {name: Part() for name in commands}
    names = list(commands)
    for index, name in enumerate(names):
        left = end - time.monotonic()
        limit = left * shares[name] / sum(shares[later] for later in names[index:])
        if limit > 0.5:
            print(f"{name}: at most {limit:.0f} s", flush=True)
            parts[name] = run_part(commands[name], limit)
            print(f"{name}: {parts[name].status} after {parts[name].seconds:.0f} s", flush=True)
        write(parts, output)
    return parts


def write(parts: dict[str, Part], output: Path) -> None:
    """Both files, each replaced as a whole."""
    texts = {".json": json.dumps({name: asdict(part) for name, part in parts.items()}, indent=2), ".md": table(parts)}
    for ending, text in texts.items():
        path = output.with_name(output.name + ending)
        draft = path.with_name(path.name + ".part")
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)


def table(parts: dict[str, Part]) -> str:
    """A line for each thing measured, and the end of the output of each part that failed."""
    lines = ["| part | what | figures |", "| --- | --- | --- |"]
    for name, part in parts.items():
        lines.append(f"| **{name}** | {part.status} | {part.seconds:.0f} of {part.limit:.0f} s |")
        for row in part.rows:
            figures = "; ".join(f"{key} {_short(value)}" for key, value in row.items() if key != "what")
            lines.append("| | " + " | ".join(_cell(text) for text in (str(row.get("what", "")), figures)) + " |")
    for name, part in parts.items():
        if part.output:
            lines += ["", f"The end of what {name} printed ({part.status}):", "", *_indented(part.output)]
    return "\n".join(lines)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="All that a GPU is to show, at once.")
    parser.add_argument("--minutes", type=float, default=8, help="for all of it (default: %(default)s)")
    parser.add_argument(
        "--output", type=Path, default=Path("gpu"), help="files to write, without ending (default: %(default)s)"
    )
    parser.add_argument("--parts", default=",".join(_PARTS), help="which, in this order (default: %(default)s)")
    arguments = parser.parse_args()
    names = arguments.parts.split(",")
    unknown = [name for name in names if name not in _PARTS]
    if unknown or arguments.minutes <= 0:
        parser.error(f"--parts: {unknown}, expected some of {', '.join(_PARTS)}" if unknown else "--minutes: above 0")
    commands = {name: [sys.executable, "-m", "benchmarks.gpu.parts", name] for name in names}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    parts = run_all(commands, {name: _PARTS[name] for name in names}, 60 * arguments.minutes, arguments.output)
    print("\n" + table(parts))
    return int(any(part.status in ("failed", "timed out") for part in parts.values()))


if __name__ == "__main__":
    sys.exit(main())
