"""The states and transitions of managed nodes, as the design of ROS 2's lifecycle has them."""

from __future__ import annotations

from typing import NamedTuple

State = tuple[int, str]

PRIMARY = ((0, "unknown"), (1, "unconfigured"), (2, "inactive"), (3, "active"), (4, "finalized"))
PASSING = (
    (10, "configuring"),
    (11, "cleaningup"),
    (12, "shuttingdown"),
    (13, "activating"),
    (14, "deactivating"),
    (15, "errorprocessing"),
)
STATES: tuple[State, ...] = PRIMARY + PASSING
"""(id, label), as in lifecycle_msgs/msg/State."""

_ID = {label: number for number, label in STATES}


class Transition(NamedTuple):
    """One arrow of the graph, its id as in lifecycle_msgs/msg/Transition."""

    id: int
    label: str
    start: State
    goal: State


def _arrow(number: int, label: str, start: str, goal: str) -> Transition:
    return Transition(number, label, (_ID[start], start), (_ID[goal], goal))


def _passage(first: int, passing: str, success: str, failure: str, error: str) -> list[Transition]:
    goals = {"transition_success": success, "transition_failure": failure, "transition_error": error}
    return [_arrow(first + index, label, passing, goal) for index, (label, goal) in enumerate(goals.items())]


TRANSITIONS = (
    _arrow(1, "configure", "unconfigured", "configuring"),
    *_passage(10, "configuring", "inactive", "unconfigured", "errorprocessing"),
    _arrow(2, "cleanup", "inactive", "cleaningup"),
    *_passage(20, "cleaningup", "unconfigured", "inactive", "errorprocessing"),
    _arrow(3, "activate", "inactive", "activating"),
    *_passage(30, "activating", "active", "inactive", "errorprocessing"),
    _arrow(4, "deactivate", "active", "deactivating"),
    *_passage(40, "deactivating", "inactive", "active", "errorprocessing"),
    _arrow(5, "shutdown", "unconfigured", "shuttingdown"),
    _arrow(6, "shutdown", "inactive", "shuttingdown"),
    _arrow(7, "shutdown", "active", "shuttingdown"),
    *_passage(50, "shuttingdown", "finalized", "finalized", "errorprocessing"),
    *_passage(60, "errorprocessing", "unconfigured", "finalized", "finalized"),
)


class StateMachine:
    """Where a node is in the graph; begins unconfigured."""

    def __init__(self) -> None:
        self.current_state: State = (_ID["unconfigured"], "unconfigured")

    def available(self) -> list[Transition]:
        """The transitions from the current state."""
        return [arrow for arrow in TRANSITIONS if arrow.start == self.current_state]

    def find(self, transition: str | int) -> Transition | None:
        """A transition from the current state by label or id, None if there is none."""
        return next((arrow for arrow in self.available() if transition in (arrow.label, arrow.id)), None)

    def trigger(self, label: str) -> Transition:
        """
        Go along a transition.

        :raises KeyError: if there is no such from the current state.
        """
        arrow = self.find(label)
        if arrow is None:
            raise KeyError(label)
        self.current_state = arrow.goal
        return arrow
