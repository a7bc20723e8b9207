"""
What each part of `benchmarks.gpu` measures; run by it as `python -m benchmarks.gpu.parts NAME FILE`.

A part yields rows and each is written at once, so that what was measured stays if the part fails later. Imports are
where they are used: a package that is missing costs the parts that need it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Row = dict[str, Any]
NO_GPU = "no CUDA device here: what needs one was left out"
_PACKAGES = (
    "torch",
    "triton",
    "onnxruntime",
    "onnxruntime-gpu",
    "tensorrt",
    "numpy",
    "opencv-python-headless",
    "pytest",
)
_TESTS = ("flow", "crf", "cuda", "compute", "engines")


def without_gpu() -> Row | None:
    """A row that says that there is no GPU, if there is none."""
    import torch

    return None if torch.cuda.is_available() else {"what": NO_GPU, "no GPU": "so"}


def machine() -> Iterator[Row]:
    """What this machine is, and how fast its memory."""
    for name in _PACKAGES:
        try:
            yield {"what": f"package {name}", "version": version(name)}
        except PackageNotFoundError:
            yield {"what": f"package {name}", "version": "missing"}
    if row := without_gpu():
        yield row
        return
    import torch

    from benchmarks.cuda import copy_bandwidth

    properties = torch.cuda.get_device_properties(0)
    yield {
        "what": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "GB": properties.total_memory / 1e9,
        "CUDA of torch": str(torch.version.cuda),
    }
    yield {"what": "copy within the device's memory", "GB/s": copy_bandwidth() / 1e9}


def tests() -> Iterator[Row]:
    """The tests of all that runs on a GPU, where there is one."""
    if row := without_gpu():
        yield row
        return
    import pytest

    class Counts:
        """Counts outcomes, and names the failures."""

        def __init__(self) -> None:
            self.outcomes: dict[str, int] = {}
            self.failed: list[str] = []

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.when == "call" or report.outcome != "passed":
                self.outcomes[report.outcome] = self.outcomes.get(report.outcome, 0) + 1
                if report.outcome == "failed":
                    self.failed.append(report.nodeid)

    failed = []
    for folder in _TESTS:
        counts = Counts()
        pytest.main(["-q", "-p", "no:cacheprovider", f"test/perception/{folder}"], plugins=[counts])
        failed += counts.failed
        yield {"what": f"test/perception/{folder}", **counts.outcomes, "failures": counts.failed}
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


# where a part is defined, by its name
_PLACES = {
    "machine": "benchmarks.gpu.parts:machine",
    "flow": "benchmarks.gpu.flow:accuracy",
    "flow-times": "benchmarks.gpu.flow:times",
    "crf": "benchmarks.gpu.crf:crf",
    "engines": "benchmarks.gpu.network:engines",
    "frame": "benchmarks.gpu.network:frame",
    "tests": "benchmarks.gpu.parts:tests",
}


def main() -> None:
    """Run one part."""
    name, path = sys.argv[1], Path(sys.argv[2])
    module, _, function = _PLACES[name].partition(":")
    part: Callable[[], Iterator[Row]] = getattr(import_module(module), function)
    with path.open("a", encoding="utf-8") as file:
        for row in part():
            print(row, flush=True)
            file.write(json.dumps(row) + "\n")
            file.flush()
    # all is written: what libraries do when they are unloaded, a driver's hanging included, changes nothing any more
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
