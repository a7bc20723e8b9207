"""A lifecycle node that names what failed and survives what a manager asks for, on any rclpy."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from wsvs_ros.errors import WsvsError

_DONE, _FAILED = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class SteadyLifecycleNode(LifecycleNode):
    """
    Calls `configure`, `activate`, `deactivate` and `release`, which raise when they fail.

    rclpy drops an exception in a transition without a word, and until Jazzy's 7.1 ends the process when a transition is
    asked for that is not valid now (ros2/rclpy#1209). Here either is logged, and the request is answered with
    `success: false`. What fails leaves nothing behind: a node that cannot be configured stays unconfigured, one that
    cannot be activated stays inactive; where leaving a state fails, everything is released.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._failure = ""
        for service in self.services:
            if service.srv_name.endswith("/change_state"):
                service.callback = _refusing(service.callback, self.get_logger())

    @property
    def failure(self) -> str:
        """Why the last transition failed; empty after one that succeeded."""
        return self._failure

    def configure(self) -> None:
        """From unconfigured to inactive."""
        raise NotImplementedError

    def activate(self) -> None:
        """From inactive to active."""
        raise NotImplementedError

    def deactivate(self) -> None:
        """From active to inactive."""
        raise NotImplementedError

    def release(self) -> None:
        """To unconfigured, from any state; may be called when there is nothing to release."""
        raise NotImplementedError

    def start(self) -> bool:
        """Configure and activate; whether both succeeded."""
        return self.trigger_configure() == _DONE and self.trigger_activate() == _DONE

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """To inactive, or back."""
        return self._try("configured", self.configure, otherwise=_FAILED)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """To active, or back."""
        return self._try("activated", self.activate, otherwise=_FAILED)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """To inactive, or by way of `on_error` to unconfigured."""
        return self._try("deactivated", self.deactivate, otherwise=TransitionCallbackReturn.ERROR)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """To unconfigured."""
        return self._try("cleaned up", self.release, otherwise=TransitionCallbackReturn.ERROR)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """To finalized."""
        return self._try("shut down", self.release, otherwise=_DONE)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """To unconfigured, so that it can be configured anew."""
        failure = self._failure
        self._try("released", self.release, otherwise=_DONE)
        self._failure = failure
        return _DONE

    def _try(
        self, participle: str, step: Callable[[], None], *, otherwise: TransitionCallbackReturn
    ) -> TransitionCallbackReturn:
        try:
            step()
        except Exception as error:
            self._failure = describe(error)
            self.get_logger().error(f"cannot be {participle}: {self._failure}")
            if not isinstance(error, WsvsError):
                self.get_logger().debug(traceback.format_exc())
            return otherwise
        self._failure = ""
        return _DONE


def describe(error: BaseException) -> str:
    """An exception in words: the text alone where it was written for users."""
    if isinstance(error, WsvsError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _refusing(callback: Callable[[Any, Any], Any], logger: Any) -> Callable[[Any, Any], Any]:
    """A service's callback that answers with `success: false` where it would raise."""

    def answer(request: Any, response: Any) -> Any:
        try:
            return callback(request, response)
        except Exception as error:
            wanted = request.transition
            logger.error(f"transition {wanted.label or wanted.id} refused: {describe(error)}")
            response.success = False
            return response

    return answer
