"""One declaration of the parameters, the file that documents them, and when they can be changed."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from wsvs_ros.errors import WsvsError
from wsvs_ros.ros.parameters import ALWAYS, INACTIVE, UNCONFIGURED, ParameterError, SegmentParameters, declare

CONFIG = Path(__file__).resolve().parents[2] / "config" / "segment.yaml"


def test_the_file_lists_every_parameter_with_its_default() -> None:
    content = yaml.safe_load(CONFIG.read_text())
    assert content["/**"]["ros__parameters"] == asdict(SegmentParameters())


def test_the_file_says_of_every_parameter_what_it_is_and_when_it_can_be_changed() -> None:
    lines = CONFIG.read_text().splitlines()
    for item in fields(SegmentParameters):
        line = next(n for n, text in enumerate(lines) if text.strip().startswith(f"{item.name}:"))
        assert lines[line - 1].strip().startswith("#"), item.name
        assert item.metadata["description"]
        state = item.metadata["change"]
        assert lines[line - 1].endswith(f"({state})") == (state != ALWAYS), item.name


def test_declared_values_come_from_the_file(ros: Any, tmp_path: Path) -> None:
    from rclpy.node import Node

    ros.shutdown()
    file = tmp_path / "p.yaml"
    file.write_text("/**:\n  ros__parameters: {threads: 3}\nother:\n  ros__parameters: {threads: 4}\n")
    ros.init(args=["x", "--ros-args", "--params-file", str(file), "-p", "overlay_opacity:=0.25"])
    node = Node("segmentation")
    assert declare(node) == SegmentParameters(threads=3, overlay_opacity=0.25)
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


@pytest.mark.parametrize("item", fields(SegmentParameters), ids=lambda item: item.name)
@pytest.mark.parametrize("state", ["unconfigured", "inactive", "active"])
def test_a_parameter_changes_in_its_states_only(item: Any, state: str) -> None:
    settings = SegmentParameters()
    other = {bool: not item.default, int: 7, float: 0.75, str: "x"}[type(item.default)]
    other = {"engine": "torch", "precision": "int8", "providers": "cpu", "device": "cuda:1"}.get(item.name, other)
    allowed = {ALWAYS: 3, INACTIVE: 2, UNCONFIGURED: 1}[item.metadata["change"]]
    if ["unconfigured", "inactive", "active"].index(state) < allowed:
        assert settings.changed({item.name: other}, state) == replace(settings, **{item.name: other})
    else:
        with pytest.raises(
            ParameterError, match=f"{item.name} cannot be changed while the node is {state}; .*lifecycle"
        ):
            settings.changed({item.name: other}, state)
    assert settings.changed({item.name: item.default}, state) == settings, "no change is refused"


def test_parameters_of_others_are_passed_over_and_nonsense_is_refused() -> None:
    settings = SegmentParameters()
    assert settings.changed({"use_sim_time": True, "qos_overrides./image.depth": 3}, "active") == settings
    for name, value in [("precision", "half"), ("engine", "foo"), ("providers", "abacus"), ("device", "cuda:x")]:
        with pytest.raises(WsvsError, match=f"{name.rstrip('s')} '{value}'"):
            settings.changed({name: value}, "unconfigured")
        with pytest.raises(WsvsError, match=f"{name.rstrip('s')} '{value}'"):
            SegmentParameters(**{name: value})


def test_the_engines_parameters_become_options() -> None:
    options = SegmentParameters(engine="torch", providers="cuda,cpu", threads=3, workspace_mb=64).engine_options()
    assert (options.engine, options.providers, options.threads, options.workspace_mb) == (
        "torch",
        ("cuda", "cpu"),
        3,
        64,
    )
    assert SegmentParameters().engine_options().threads is None
