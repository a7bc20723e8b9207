"""The services by which `ros2 lifecycle` and launch files manage a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wsvs_ros.embedded.lifecycle_graph import STATES, TRANSITIONS, StateMachine, Transition
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.parameter_services import ServiceMaker


class LifecycleServices:
    """
    Tells of a node's state and changes it.

    :param offer: makes the services; they are gone with the node.
    :param change: runs a transition, given by label or id; whether it succeeded.
    """

    def __init__(self, machine: StateMachine, offer: ServiceMaker, change: Callable[[str | int], bool]) -> None:
        self._machine = machine
        self._change = change
        transitions = "lifecycle_msgs/srv/GetAvailableTransitions"
        offer("lifecycle_msgs/srv/ChangeState", "~/change_state", self._change_state)
        offer("lifecycle_msgs/srv/GetState", "~/get_state", self._get_state)
        offer("lifecycle_msgs/srv/GetAvailableStates", "~/get_available_states", self._get_states)
        offer(transitions, "~/get_available_transitions", self._get_transitions)
        offer(transitions, "~/get_transition_graph", self._get_graph)

    def _change_state(self, request: Any, response: Any) -> Any:
        wanted = request.transition
        response.success = self._change(wanted.label or wanted.id)
        return response

    def _get_state(self, request: Any, response: Any) -> Any:
        response.current_state.id, response.current_state.label = self._machine.current_state
        return response

    def _get_states(self, request: Any, response: Any) -> Any:
        state = message_class("lifecycle_msgs/msg/State")
        response.available_states = [state(id=number, label=label) for number, label in STATES]
        return response

    def _get_transitions(self, request: Any, response: Any) -> Any:
        response.available_transitions = _describe(self._machine.available())
        return response

    def _get_graph(self, request: Any, response: Any) -> Any:
        response.available_transitions = _describe(TRANSITIONS)
        return response


def _describe(transitions: Iterable[Transition]) -> list[Any]:
    described = []
    for arrow in transitions:
        item = message_class("lifecycle_msgs/msg/TransitionDescription")()
        item.transition.id, item.transition.label = arrow.id, arrow.label
        item.start_state.id, item.start_state.label = arrow.start
        item.goal_state.id, item.goal_state.label = arrow.goal
        described.append(item)
    return described
