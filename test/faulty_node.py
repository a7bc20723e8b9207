"""The node as a process, with a fault: python faulty_node.py FAULT [ROS arguments]; standard error says where it is.

FAULT is `none`, `passive` (configured, not activated), `building` (an engine that takes minutes to build, within a
library) or `hanging` (an inference that does not come back).
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import threading
from contextlib import suppress
from typing import Any


def say(word: str) -> None:
    with suppress(OSError):  # standard error may be full
        print(f"<{word}>", file=sys.stderr, flush=True)


def build_for_minutes(*_: Any, **__: Any) -> None:
    say("building")
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # in C, without the interpreter's lock: no signal's handler runs


def hang(*_: Any) -> None:
    say("hanging")
    threading.Event().wait()


def install(fault: str) -> None:
    """Put the fault where it happens."""
    from wsvs_ros.ros import node, pipeline

    class Node(node.SegmentationNode):
        def __init__(self) -> None:
            super().__init__()
            say("made")

        def start(self) -> bool:
            if fault != "passive":
                return super().start()
            self.trigger_configure()
            say("passive")
            return True

    node.SegmentationNode = Node  # type: ignore[misc]
    if fault == "building":
        pipeline.VideoSegmenter = build_for_minutes  # type: ignore[misc, assignment]
    if fault == "hanging":
        pipeline.VideoSegmenter.segment = hang  # type: ignore[method-assign, assignment]


def main() -> int:
    fault, *arguments = sys.argv[1:]
    if importlib.util.find_spec("rclpy") is None:
        from wsvs_ros import embedded

        embedded.install()
    from wsvs_ros.ros import main as module

    run = module.run

    def faulty_run(args: Any, stop: Any) -> int:
        say("begin")
        install(fault)
        return run(args, stop)

    module.run = faulty_run
    return module.main(["node", *arguments])


if __name__ == "__main__":
    sys.exit(main())
