"""Parameters: descriptors, callbacks, and how values are read."""

from __future__ import annotations

from typing import Any

import pytest

from rclpy_contract.cases import a_file, a_node, case, restarted


def declare_ranges(node: Any) -> None:
    from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

    half = FloatingPointRange(from_value=0.0, to_value=1.0, step=0.0)
    even = IntegerRange(from_value=0, to_value=10, step=2)
    node.declare_parameter("opacity", 0.5, ParameterDescriptor(floating_point_range=[half], description="of it"))
    node.declare_parameter("even", 2, ParameterDescriptor(integer_range=[even]))
    node.declare_parameter("model", "a", ParameterDescriptor(read_only=True, additional_constraints="a directory"))


@case(
    ("opacity", 1.0, True),
    ("opacity", 0.25, True),
    ("opacity", 1.5, False),
    ("opacity", float("nan"), False),
    ("opacity", 1, False),
    ("opacity", "0.5", False),
    ("even", 10, True),
    ("even", 4, True),
    ("even", 3, False),
    ("even", 12, False),
    ("even", 4.0, False),
    ("model", "b", False),
)
def descriptors_are_kept(ros: Any, name: str, value: Any, accepted: bool) -> None:
    from rclpy.parameter import Parameter

    with a_node() as node:
        declare_ranges(node)
        before = node.get_parameter(name).value
        (result,) = node.set_parameters([Parameter(name, value=value)])
        assert result.successful is accepted
        assert bool(result.reason) is not accepted
        assert node.get_parameter(name).value == (value if accepted else before)


@case()
def descriptors_are_told(ros: Any) -> None:
    from rclpy.parameter import Parameter

    with a_node() as node:
        declare_ranges(node)
        opacity, model = node.describe_parameters(["opacity", "model"])
        assert (opacity.name, opacity.type, opacity.description) == ("opacity", Parameter.Type.DOUBLE.value, "of it")
        assert opacity.floating_point_range[0].to_value == 1.0
        assert model.read_only
        assert model.additional_constraints == "a directory"
        if hasattr(node, "list_parameters"):  # not on Humble
            assert "even" in node.list_parameters([], 0).names
        # numbers, though rclpy's annotation says members: take either
        assert [Parameter.Type(kind) for kind in node.get_parameter_types(["even"])] == [Parameter.Type.INTEGER]
        assert Parameter.Type.INTEGER.value != Parameter.Type.INTEGER


@case()
def a_callback_may_refuse_and_sees_all_that_are_set_together(ros: Any) -> None:
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.parameter import Parameter

    seen = []

    def check(parameters: list[Any]) -> Any:
        seen.append([(p.name, p.value) for p in parameters])
        return SetParametersResult(successful=parameters[0].value < 5, reason="too large")

    with a_node() as node:
        node.declare_parameter("a", 1)
        node.declare_parameter("b", 1)
        node.add_on_set_parameters_callback(check)
        both = [Parameter("a", value=2), Parameter("b", value=3)]
        assert node.set_parameters_atomically(both).successful
        one_by_one = node.set_parameters([Parameter("a", value=7), Parameter("b", value=4)])
        assert [result.successful for result in one_by_one] == [False, True]
        refused = node.set_parameters_atomically([Parameter("a", value=7), Parameter("b", value=8)])
        assert (refused.successful, refused.reason) == (False, "too large")
        assert [p.value for p in node.get_parameters(["a", "b"])] == [2, 4]
        assert seen[0] == [("a", 2), ("b", 3)]


@case()
def undeclared_and_doubly_declared_parameters_raise(ros: Any) -> None:
    from rclpy.exceptions import ParameterAlreadyDeclaredException, ParameterException, ParameterNotDeclaredException
    from rclpy.parameter import Parameter

    with a_node() as node:
        for action in (
            lambda: node.get_parameter("x"),
            lambda: node.describe_parameters(["x"]),
            lambda: node.set_parameters([Parameter("x", value=1)]),
        ):
            with pytest.raises(ParameterNotDeclaredException) as raised:
                action()
            assert isinstance(raised.value, ParameterException)
        node.declare_parameter("x", 1)
        with pytest.raises(ParameterAlreadyDeclaredException):
            node.declare_parameter("x", 1)


@case()
def a_parameter_without_a_value_says_so(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterException, ParameterUninitializedException
    from rclpy.parameter import Parameter

    with a_node() as node:
        node.declare_parameter("a", Parameter.Type.INTEGER)
        with pytest.raises(ParameterUninitializedException):
            node.get_parameter("a")
        with pytest.raises(InvalidParameterException):
            node.declare_parameter("", 1)


@case()
def parameters_travel_as_messages(ros: Any) -> None:
    from rclpy.parameter import Parameter

    for value in (True, 3, 0.5, "text", [True, False], [1, 2], [0.5], ["a", "b"]):
        parameter = Parameter("p", value=value)
        assert parameter.get_parameter_value().type == parameter.type_.value
        back = Parameter.from_parameter_msg(parameter.to_parameter_msg())
        found = list(back.value) if isinstance(value, list) else back.value
        assert (back.name, back.type_, found) == ("p", parameter.type_, value)


@case(
    ("1e1", 10.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("inf", float("inf")),
    ("-.inf", float("-inf")),
    ("0x10", 16),
    ("010", 8),
    ("+5", 5),
    ("9223372036854775808", 9223372036854775808.0),
    ("yes", True),
    ("off", False),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("2020-01-01", "2020-01-01"),
    ("null", "null"),
    ("on the road", "on the road"),
    ("'5'", "5"),
    ("!!str 5", "5"),
    ("[1, 2]", [1, 2]),
)
def values_are_read_as_rcl_reads_them(ros: Any, text: str, value: Any) -> None:
    file = a_file(f"/**:\n  ros__parameters:\n    b: {text}\n")
    restarted(ros, "-p", f"a:={text}", "--params-file", file.name)
    with file, a_node() as node:
        for name in ("a", "b"):
            found = node.declare_parameter(name, value).value
            found = list(found) if isinstance(value, list) else found
            assert (found, type(found)) == (value, type(value))


@case()
def an_argument_may_be_for_one_node(ros: Any) -> None:
    from std_msgs.msg import String

    restarted(
        ros, "-r", "other:__ns:=/no", "-r", "contract:t:=/u", "-r", "other:s:=/no", "-r", "contract:__ns:=/front",
    )  # fmt: skip
    with a_node() as node:
        assert node.get_namespace() == "/front"
        assert node.resolve_topic_name("t") == "/u"
        assert node.resolve_topic_name("s") == "/front/s"
        assert node.create_publisher(String, "~/x", 1).topic_name == "/front/contract/x"


BOTH = "/**: {ros__parameters: {b: 1}}\n/contract: {ros__parameters: {a: 2}}\n"


@case(
    ("", "-p a:=1 -p contract:a:=2 -p other:a:=3", 2),
    ("", "-p contract:a:=2 -p a:=1", 1),
    ("", "-p a:=1 -p contract:a:=2 -r __ns:=/front", 1),  # a full name: this one is /contract's
    ("", "-p contract:a:=2 -p seg:a:=3 -r __node:=seg", 3),
    (BOTH, "-p contract:a:=3 --params-file FILE -p a:=7", 2),
    (BOTH, "--params-file FILE -p a:=7", 2),  # /** was opened before /contract
    (BOTH, "--params-file FILE -p contract:a:=7", 7),
    ("/contract: {ros__parameters: {a: 2}}", "-p a:=7 --params-file FILE", 2),
    ("/contract: {ros__parameters: {a: 2}}", "--params-file FILE -p a:=7", 7),
    ("contract: {ros__parameters: {a: 2}}", "--params-file FILE", 2),
    ("contract: {ros__parameters: {a: 2}}", "--params-file FILE -r __ns:=/front", 0),
    ("front/contract: {ros__parameters: {a: 2}}", "--params-file FILE -r __ns:=/front", 2),
    ("/*: {ros__parameters: {a: 2}}", "--params-file FILE -r __ns:=/front", 0),
    ("/*/contract: {ros__parameters: {a: 2}}", "--params-file FILE -r __ns:=/front", 2),
    ("/**/contract: {ros__parameters: {a: 2}}", "--params-file FILE", 2),
)
def of_several_values_rcl_takes(ros: Any, text: str, words: str, value: int) -> None:
    with a_file(text) as file:
        restarted(ros, *words.replace("FILE", file.name).split())
        with a_node() as node:
            assert node.declare_parameter("a", 0).value == value


@case()
def a_node_may_be_renamed(ros: Any) -> None:
    restarted(ros, "-r", "__node:=seg", "-r", "__ns:=/front", "-r", "~/a:=b")
    with a_node() as node:
        assert (node.get_name(), node.get_fully_qualified_name()) == ("seg", "/front/seg")
        assert node.resolve_topic_name("~/a") == "/front/b"


@case()
def files_of_parameters_load_by_node(ros: Any) -> None:
    file = a_file(
        "/**:\n  ros__parameters: {a: 1, b: 1, group: {inner: [1.5, 2.5]}}\n"
        "/front/contract:\n  ros__parameters: {b: 2}\n/other:\n  ros__parameters: {a: 3}\n"
    )
    restarted(ros, "--params-file", file.name, "-p", "c:=true", "-r", "__ns:=/front")
    with file, a_node() as node:
        for name, default in (("a", 0), ("b", 0), ("c", False), ("group.inner", [0.0]), ("d", "default")):
            node.declare_parameter(name, default)
        found = {name: node.get_parameter(name).value for name in ("a", "b", "c", "d")}
        assert found == {"a": 1, "b": 2, "c": True, "d": "default"}
        assert list(node.get_parameter("group.inner").value) == [1.5, 2.5]


@case()
def a_value_of_another_type_is_refused(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterTypeException

    restarted(ros, "-p", "a:=word")
    with a_node() as node, pytest.raises(InvalidParameterTypeException, match="a"):
        node.declare_parameter("a", 1)


@case()
def a_value_out_of_range_is_refused(ros: Any) -> None:
    from rclpy.exceptions import InvalidParameterValueException

    restarted(ros, "-p", "opacity:=7.0")
    with a_node() as node, pytest.raises(InvalidParameterValueException, match="opacity"):
        declare_ranges(node)
