"""The segmentation node that also notes, frame by frame, how long the segmenter took: for the overhead in node.py.

python -m benchmarks.probed_node SECONDS.json [arguments of `wsvs run`]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from wsvs_ros.cli import middleware, run


def main() -> int:
    """Run the node; at its end the file holds seconds by stamp in nanoseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    subparsers = parser.add_subparsers()
    run.add_parser(subparsers)
    args = parser.parse_args(["run", *sys.argv[2:]])
    middleware.prepare(args)
    from wsvs_ros.ros.main import main as node_main
    from wsvs_ros.ros.outputs import Outputs

    seconds: dict[int, float] = {}
    publish = Outputs.publish

    def noting(self: Outputs, segmentation: Any, *rest: Any) -> None:
        publish(self, segmentation, *rest)
        seconds[segmentation.frame.stamp_ns] = sum(segmentation.seconds.values())

    Outputs.publish = noting  # type: ignore[method-assign]
    try:
        return node_main(run.ros_arguments(args))
    finally:
        Path(sys.argv[1]).write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
