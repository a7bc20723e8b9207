"""Managed nodes under rclpy.lifecycle's names."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from wsvs_ros.embedded.errors import RCLError
from wsvs_ros.embedded.lifecycle_graph import PRIMARY, StateMachine
from wsvs_ros.embedded.lifecycle_services import LifecycleServices
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.node import Node


class TransitionCallbackReturn(Enum):
    """What came of a transition's callback."""

    SUCCESS = 97
    FAILURE = 98
    ERROR = 99

    def to_label(self) -> str:
        """The transition that follows."""
        return f"transition_{self.name.lower()}"


class LifecycleState(NamedTuple):
    """A state of a managed node."""

    label: str
    state_id: int


class LifecycleNode(Node):
    """
    A node that is configured, activated, deactivated and cleaned up on request.

    Each callback gets the state that the transition came from. FAILURE goes back to it; ERROR, and an exception,
    go through `on_error`: on SUCCESS to unconfigured, else to finalized.

    :param enable_communication_interface: offer `~/change_state` and its like and publish `~/transition_event`.
    """

    def __init__(self, node_name: str, *, enable_communication_interface: bool = True, **options: Any) -> None:
        super().__init__(node_name, **options)
        self._state_machine = StateMachine()
        self.__transition_events: Any = None
        if enable_communication_interface:
            event = message_class("lifecycle_msgs/msg/TransitionEvent")
            self.__transition_events = self.create_publisher(event, "~/transition_event", 10)
            LifecycleServices(self._state_machine, self._offer_service, self.__succeeds)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def trigger_configure(self) -> TransitionCallbackReturn:
        return self.__change_state("configure")

    def trigger_cleanup(self) -> TransitionCallbackReturn:
        return self.__change_state("cleanup")

    def trigger_activate(self) -> TransitionCallbackReturn:
        return self.__change_state("activate")

    def trigger_deactivate(self) -> TransitionCallbackReturn:
        return self.__change_state("deactivate")

    def trigger_shutdown(self) -> TransitionCallbackReturn:
        """
        :raises RCLError: where a node cannot be shut down, as when it is.
        """
        if self._state_machine.find("shutdown") is None:
            raise RCLError(f"a node that is {self._state_machine.current_state[1]} cannot be shut down")
        return self.__change_state("shutdown")

    def __succeeds(self, transition: str | int) -> bool:
        return self.__change_state(transition) == TransitionCallbackReturn.SUCCESS

    def __change_state(self, transition: str | int) -> TransitionCallbackReturn:
        """
        Run a transition to its end.

        :param transition: label or id.
        """
        found = self._state_machine.find(transition)
        id_, label = self._state_machine.current_state
        if found is None or found.start not in PRIMARY:
            self.get_logger().error(f"there is no transition {transition!r} from the state {label!r}")
            return TransitionCallbackReturn.ERROR
        before = LifecycleState(label, id_)
        self.__step(found.label)
        result = self.__call(getattr(self, f"on_{found.label}"), before)
        self.__step(result.to_label())
        if result == TransitionCallbackReturn.ERROR:
            self.__step(self.__call(self.on_error, before).to_label())
        return result

    def __call(self, callback: Callable[[LifecycleState], Any], before: LifecycleState) -> TransitionCallbackReturn:
        try:
            result = callback(before)
        except Exception as error:
            self.get_logger().error(f"{callback.__name__} failed: {error!r}")
            return TransitionCallbackReturn.ERROR
        if not isinstance(result, TransitionCallbackReturn):
            self.get_logger().error(f"{callback.__name__} returned {result!r}, not a TransitionCallbackReturn")
            return TransitionCallbackReturn.ERROR
        return result

    def __step(self, label: str) -> None:
        step = self._state_machine.trigger(label)
        if self.__transition_events is not None:
            event = self.__transition_events.msg_type()
            for state, (id_, name) in ((event.start_state, step.start), (event.goal_state, step.goal)):
                state.id, state.label = id_, name
            self.__transition_events.publish(event)
