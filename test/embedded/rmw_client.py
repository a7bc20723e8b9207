"""
Calls services as rmw_cyclonedds does, knowing nothing of the embedded middleware: types written out by hand,
cyclonedds' own CDR, the client's id and the request's number in front of each request.

    python rmw_client.py NODE SERVICE REQUEST [SERVICE REQUEST ...]     requests and printed responses are JSON
    python rmw_client.py --nodes SECONDS                                 the nodes that ros_discovery_info tells of
"""

import dataclasses
import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, bounded_str, float64, int64, sequence, uint8, uint64
from cyclonedds.internal import InvalidSample
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

PATIENCE = 20.0  # seconds


def idl(package: str, name: str) -> Any:
    def decorate(kind: type) -> type:
        kind.__annotations__ = dict(kind.__annotations__)
        return dataclass(type(name, (IdlStruct,), dict(vars(kind)), typename=f"{package}.dds_.{name}"))

    return decorate


@idl("rcl_interfaces.msg", "ParameterValue_")
class ParameterValue:
    type: uint8 = 0
    bool_value: bool = False
    integer_value: int64 = 0
    double_value: float64 = 0.0
    string_value: str = ""
    byte_array_value: sequence[uint8] = field(default_factory=list)
    bool_array_value: sequence[bool] = field(default_factory=list)
    integer_array_value: sequence[int64] = field(default_factory=list)
    double_array_value: sequence[float64] = field(default_factory=list)
    string_array_value: sequence[str] = field(default_factory=list)


@idl("rcl_interfaces.msg", "Parameter_")
class Parameter:
    name: str = ""
    value: ParameterValue = field(default_factory=ParameterValue)


@idl("rcl_interfaces.msg", "SetParametersResult_")
class SetParametersResult:
    successful: bool = False
    reason: str = ""


@idl("rcl_interfaces.msg", "ListParametersResult_")
class ListParametersResult:
    names: sequence[str] = field(default_factory=list)
    prefixes: sequence[str] = field(default_factory=list)


@idl("rcl_interfaces.msg", "FloatingPointRange_")
class FloatingPointRange:
    from_value: float64 = 0.0
    to_value: float64 = 0.0
    step: float64 = 0.0


@idl("rcl_interfaces.msg", "IntegerRange_")
class IntegerRange:
    from_value: int64 = 0
    to_value: int64 = 0
    step: uint64 = 0


@idl("rcl_interfaces.msg", "ParameterDescriptor_")
class ParameterDescriptor:
    name: str = ""
    type: uint8 = 0
    description: str = ""
    additional_constraints: str = ""
    read_only: bool = False
    dynamic_typing: bool = False
    floating_point_range: sequence[FloatingPointRange, 1] = field(default_factory=list)
    integer_range: sequence[IntegerRange, 1] = field(default_factory=list)


@idl("lifecycle_msgs.msg", "State_")
class State:
    id: uint8 = 0
    label: str = ""


@idl("lifecycle_msgs.msg", "Transition_")
class Transition:
    id: uint8 = 0
    label: str = ""


@idl("lifecycle_msgs.msg", "TransitionDescription_")
class TransitionDescription:
    transition: Transition = field(default_factory=Transition)
    start_state: State = field(default_factory=State)
    goal_state: State = field(default_factory=State)


@idl("rmw_dds_common.msg", "Gid_")
class Gid:
    data: array[uint8, 16] = field(default_factory=lambda: [0] * 16)


@idl("rmw_dds_common.msg", "NodeEntitiesInfo_")
class NodeEntitiesInfo:
    node_namespace: bounded_str[256] = ""
    node_name: bounded_str[256] = ""
    reader_gid_seq: sequence[Gid] = field(default_factory=list)
    writer_gid_seq: sequence[Gid] = field(default_factory=list)


@idl("rmw_dds_common.msg", "ParticipantEntitiesInfo_")
class ParticipantEntitiesInfo:
    gid: Gid = field(default_factory=Gid)
    node_entities_info_seq: sequence[NodeEntitiesInfo] = field(default_factory=list)


NAMES = {"names": sequence[str]}
NOTHING = {"structure_needs_at_least_one_member": uint8}
SERVICES = {
    "describe_parameters": ("rcl_interfaces", "DescribeParameters", NAMES,
                            {"descriptors": sequence[ParameterDescriptor]}),
    "get_parameters": ("rcl_interfaces", "GetParameters", NAMES, {"values": sequence[ParameterValue]}),
    "get_parameter_types": ("rcl_interfaces", "GetParameterTypes", NAMES, {"types": sequence[uint8]}),
    "list_parameters": ("rcl_interfaces", "ListParameters", {"prefixes": sequence[str], "depth": uint64},
                        {"result": ListParametersResult}),
    "set_parameters": ("rcl_interfaces", "SetParameters", {"parameters": sequence[Parameter]},
                       {"results": sequence[SetParametersResult]}),
    "set_parameters_atomically": ("rcl_interfaces", "SetParametersAtomically", {"parameters": sequence[Parameter]},
                                  {"result": SetParametersResult}),
    "change_state": ("lifecycle_msgs", "ChangeState", {"transition": Transition}, {"success": bool}),
    "get_state": ("lifecycle_msgs", "GetState", NOTHING, {"current_state": State}),
    "get_available_states": ("lifecycle_msgs", "GetAvailableStates", NOTHING, {"available_states": sequence[State]}),
    "get_available_transitions": ("lifecycle_msgs", "GetAvailableTransitions", NOTHING,
                                  {"available_transitions": sequence[TransitionDescription]}),
    "get_transition_graph": ("lifecycle_msgs", "GetAvailableTransitions", NOTHING,
                             {"available_transitions": sequence[TransitionDescription]}),
}  # fmt: skip


def wrapped(package: str, name: str, fields: dict[str, Any]) -> Any:
    """A request's or reply's type: the header, then the fields."""
    annotations = {"client_guid": uint64, "sequence_number": int64, **fields}
    body = {"__annotations__": annotations}
    return dataclass(type(name, (IdlStruct,), body, typename=f"{package}.srv.dds_.{name}"))


def call(participant: DomainParticipant, node: str, service: str, number: int, fields: dict[str, Any]) -> Any:
    package, name, request_fields, reply_fields = SERVICES[service]
    request_type = wrapped(package, f"{name}_Request_", request_fields)
    reply_type = wrapped(package, f"{name}_Response_", reply_fields)
    identity = ".".join(f"{byte:x}" for byte in participant.get_guid().bytes[:12] + number.to_bytes(4, "big"))
    qos = Qos(
        Policy.Reliability.Reliable(duration(seconds=1)),
        Policy.History.KeepLast(10),
        Policy.Userdata(f"clientid={identity};".encode()),
    )
    writer = DataWriter(participant, Topic(participant, f"rq{node}/{service}Request", request_type), qos)
    reader = DataReader(participant, Topic(participant, f"rr{node}/{service}Reply", reply_type), qos)
    until = time.monotonic() + PATIENCE
    while not writer.get_matched_subscriptions() and time.monotonic() < until:
        time.sleep(0.01)  # and send at once: the server has to wait for the reader by itself
    handle = writer.get_instance_handle() % 2**64
    writer.write(request_type(client_guid=handle, sequence_number=number, **fields))
    while time.monotonic() < until:
        for reply in reader.take(N=10):
            if not isinstance(reply, InvalidSample) and reply.client_guid == handle:
                assert reply.sequence_number == number
                return {key: getattr(reply, key) for key in reply_fields}
        time.sleep(0.01)
    raise SystemExit(f"no answer from {node}/{service}")


def request_of(service: str, given: dict[str, Any]) -> dict[str, Any]:
    if "parameters" in given:
        items = [Parameter(item["name"], ParameterValue(**item["value"])) for item in given["parameters"]]
        return {"parameters": items}
    if "transition" in given:
        return {"transition": Transition(**given["transition"])}
    return given or {"structure_needs_at_least_one_member": 0}


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    return [plain(item) for item in value] if isinstance(value, list) else value


def watch_nodes(participant: DomainParticipant, seconds: float) -> None:
    """Print the newest word of each participant."""
    qos = Qos(
        Policy.Reliability.Reliable(duration(seconds=1)),
        Policy.Durability.TransientLocal,
        Policy.History.KeepAll,
    )
    reader = DataReader(participant, Topic(participant, "ros_discovery_info", ParticipantEntitiesInfo), qos)
    until = time.monotonic() + seconds
    newest: dict[str, Any] = {}
    while time.monotonic() < until:
        for sample in reader.take(N=100):
            if not isinstance(sample, InvalidSample):
                newest[bytes(sample.gid.data).hex()] = plain(sample.node_entities_info_seq)
        time.sleep(0.05)
    print(json.dumps(newest))


def main(words: list[str]) -> None:
    participant = DomainParticipant(int(os.environ["ROS_DOMAIN_ID"]))
    if words[0] == "--nodes":
        watch_nodes(participant, float(words[1]))
        return
    node, *rest = words
    for number, (service, request) in enumerate(zip(rest[::2], rest[1::2], strict=True), start=1):
        response = call(participant, node, service, number, request_of(service, json.loads(request)))
        print(json.dumps(plain(response)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
