"""One declaration of the parameters, and the file that documents them."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from wsvs_ros.ros.parameters import SegmentParameters, declare

CONFIG = Path(__file__).resolve().parents[2] / "config" / "segment.yaml"


def test_the_file_lists_every_parameter_with_its_default() -> None:
    content = yaml.safe_load(CONFIG.read_text())
    assert content["/**"]["ros__parameters"] == asdict(SegmentParameters())


def test_the_file_says_of_every_parameter_what_it_is() -> None:
    lines = CONFIG.read_text().splitlines()
    for item in fields(SegmentParameters):
        line = next(n for n, text in enumerate(lines) if text.strip().startswith(f"{item.name}:"))
        assert lines[line - 1].strip().startswith("#"), item.name
        assert item.metadata["description"]


def test_declared_values_come_from_the_file(ros: Any, tmp_path: Path) -> None:
    from rclpy.node import Node

    ros.shutdown()
    file = tmp_path / "p.yaml"
    file.write_text("/**:\n  ros__parameters: {threads: 3}\nother:\n  ros__parameters: {threads: 4}\n")
    ros.init(args=["x", "--ros-args", "--params-file", str(file), "-p", "overlay_opacity:=0.25"])
    node = Node("segmentation")
    assert declare(node) == SegmentParameters(threads=3, overlay_opacity=0.25)
    (result,) = node.set_parameters([type(node.get_parameter("threads"))("threads", value=5)])
    assert not result.successful
    assert "read-only" in result.reason
    node.destroy_node()


def test_a_value_of_the_wrong_type_or_out_of_range_is_refused(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
    from rclpy.node import Node

    for argument, error in [
        ("threads:=many", InvalidParameterTypeException),
        ("confidence_threshold:=1.5", InvalidParameterValueException),
        ("queue_depth:=0", InvalidParameterValueException),
    ]:
        ros.shutdown()
        ros.init(args=["x", "--ros-args", "-p", argument])
        node = Node("segmentation")
        with pytest.raises(error, match=argument.split(":")[0]):
            declare(node)
        node.destroy_node()
