"""SegmentationNode in a process of its own, over real DDS."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest

from wsvs_ros.perception import ModelBundle


@pytest.fixture
def node(start: Any, ros: Any, tiny_bundle: ModelBundle) -> Any:
    """A node with the tiny bundle."""
    return start("run", "--model", tiny_bundle.path)


def stop(node: Any, number: signal.Signals = signal.SIGINT) -> dict[str, int]:
    """Stop the node; its counts."""
    node.send_signal(number)
    _, log = node.communicate(timeout=20)
    assert node.returncode == 0, log
    assert "Traceback" not in log
    counts = re.search(
        r"(?P<received>\d+) received, (?P<entered>\d+) entered the window, (?P<inferred>\d+) inferred, "
        r"(?P<skipped>\d+) skipped, (?P<refused>\d+) refused, (?P<failed>\d+) failed",
        log,
    )
    assert counts, log
    return {name: int(value) for name, value in counts.groupdict().items()}


def test_labels_bear_their_images_headers(node: Any) -> None:
    from node_checks import check_labels_bear_their_images_headers

    check_labels_bear_their_images_headers()
    counts = stop(node)
    assert counts["received"] == counts["entered"] == 15
    assert counts["refused"] == counts["failed"] == 0


def test_all_outputs(node: Any) -> None:
    from node_checks import check_all_outputs

    check_all_outputs()
    assert stop(node, signal.SIGTERM)["failed"] == 0


def test_all_outputs_with_the_crf(start: Any, ros: Any, tiny_bundle: ModelBundle) -> None:
    node = start("run", "--model", tiny_bundle.path, "--param", "crf=true")
    from node_checks import check_all_outputs

    check_all_outputs()
    assert stop(node)["failed"] == 0


def test_survives_bad_messages(node: Any) -> None:
    from node_checks import check_survives_bad_messages

    check_survives_bad_messages()
    counts = stop(node)
    assert counts["refused"] == 8
    assert counts["failed"] == 0
    assert counts["entered"] == counts["received"] - 8


def test_label_info_is_latched(node: Any) -> None:
    from node_checks import Peer, check_label_info_is_latched

    check_label_info_is_latched()
    peer = Peer()
    peer.wait_for_node()  # it has started when it is stopped
    peer.close()
    stop(node)


def test_nothing_is_inferred_that_nobody_wants(node: Any) -> None:
    from node_checks import Peer

    peer = Peer()
    peer.wait_for_node()
    for index in range(10):
        peer.send(index)
        peer.spin_until(lambda: False, 0.05)
    peer.close()
    counts = stop(node)
    assert counts["entered"] == 10
    assert counts["inferred"] == 0


def test_parameters_and_remaps(start: Any, ros: Any, tiny_bundle: ModelBundle) -> None:
    from node_checks import Peer

    node = start(
        "run", "--model", tiny_bundle.path, "--namespace", "front", "--param", "confidence_threshold=1.0",
        "--image", "/camera/image_raw",
    )  # fmt: skip
    peer = Peer("/front/segmentation/label")
    peer.wait_for_node()
    label = peer.send_and_wait(0, "/front/segmentation/label")
    assert set(label.data.tolist()) == {255}  # nothing is that certain
    peer.close()
    stop(node)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "nowhere"], "cannot be configured: nowhere: is no directory"),
        (["--param", "confidence_threshold=2.0"], "confidence_threshold"),
        (["--param", "lookahead=soon"], "lookahead"),
        (["--param", "lookahead"], "write name=value"),
        (["--params-file", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["--domain", "999"], "ROS_DOMAIN_ID=999: a number from 0 to 232"),
    ],
)
def test_a_node_that_cannot_start_says_why(
    start: Any, tiny_bundle: ModelBundle, arguments: list[str], says: str
) -> None:
    model = [] if "--model" in arguments else ["--model", tiny_bundle.path]
    node = start("run", *model, *arguments)
    _, log = node.communicate(timeout=30)
    assert node.returncode == 2
    assert says in log
    assert "Traceback" not in log
