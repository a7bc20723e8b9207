"""Managed nodes go from state to state as asked."""

from __future__ import annotations

from typing import Any

import pytest

from rclpy_contract.cases import case


def managed_node(**answers: Any) -> Any:
    """A managed node that keeps the calls it gets and gives the answers it was given."""
    from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

    class Managed(LifecycleNode):
        def __init__(self) -> None:
            self.calls: list[tuple[str, str]] = []
            super().__init__("managed")

        @property
        def state(self) -> str:
            return self._state_machine.current_state[1]

    def answer(name: str) -> Any:
        def callback(self: Any, state: Any) -> Any:
            assert isinstance(state, LifecycleState)
            self.calls.append((name, state.label))
            given = answers.get(name, TransitionCallbackReturn.SUCCESS)
            if isinstance(given, Exception):
                raise given
            return given

        return callback

    for name in ("on_configure", "on_activate", "on_deactivate", "on_cleanup", "on_shutdown", "on_error"):
        setattr(Managed, name, answer(name))
    return Managed()


@case()
def a_managed_node_goes_all_the_way(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node()
    states = [node.state]
    for trigger in (
        node.trigger_configure,
        node.trigger_activate,
        node.trigger_deactivate,
        node.trigger_cleanup,
        node.trigger_shutdown,
    ):
        assert trigger() == TransitionCallbackReturn.SUCCESS
        states.append(node.state)
    assert states == ["unconfigured", "inactive", "active", "inactive", "unconfigured", "finalized"]
    assert node.calls == [
        ("on_configure", "unconfigured"),
        ("on_activate", "inactive"),
        ("on_deactivate", "active"),
        ("on_cleanup", "inactive"),
        ("on_shutdown", "unconfigured"),
    ]
    with pytest.raises(RuntimeError):
        node.trigger_shutdown()
    node.destroy_node()


@case()
def failure_goes_back(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node(on_configure=TransitionCallbackReturn.FAILURE)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert node.state == "unconfigured"
    assert node.calls == [("on_configure", "unconfigured")]
    node.destroy_node()


@case(("SUCCESS", "unconfigured"), ("FAILURE", "finalized"))
def an_exception_goes_through_on_error(ros: Any, answer: str, state: str) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node(on_activate=RuntimeError("no"), on_error=getattr(TransitionCallbackReturn, answer))
    node.trigger_configure()
    assert node.trigger_activate() == TransitionCallbackReturn.ERROR
    assert node.state == state
    assert node.calls[1:] == [("on_activate", "inactive"), ("on_error", "inactive")]
    node.destroy_node()


@case()
def a_transition_that_the_state_does_not_allow_is_refused(ros: Any) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    node = managed_node()
    try:
        result = node.trigger_activate()
    except RuntimeError:  # Humble's RCLError
        result = TransitionCallbackReturn.ERROR
    assert result == TransitionCallbackReturn.ERROR
    assert node.state == "unconfigured"
    assert node.calls == []
    node.destroy_node()
