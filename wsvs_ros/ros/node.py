"""SegmentationNode: camera images in, semantic label images out.

Written on plain rclpy. Where ROS 2 is not installed the same file runs on the embedded middleware.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType

from wsvs_ros.errors import WsvsError
from wsvs_ros.ros.health import ERROR, Health
from wsvs_ros.ros.parameters import SegmentParameters, declare
from wsvs_ros.ros.pipeline import Pipeline
from wsvs_ros.ros.session import HungInference, Session
from wsvs_ros.ros.steady_lifecycle import SteadyLifecycleNode, describe

_TICK = 0.1  # seconds between two looks at what shall not stop
_REPORT = 1.0  # seconds between two messages of the diagnostics
_THROTTLE = 5.0  # seconds between two log lines of the same trouble
_PATIENCE = 5.0  # seconds for an inference under way, when the node is deactivated
_PATIENCE_AT_END = 1.0  # seconds, when the process is to end


class SegmentationNode(SteadyLifecycleNode):
    """
    Subscribes `image` (or `image/compressed`) and `camera_info`, publishes under `~/`, see `Outputs`.

    Configured, it holds a `Pipeline`: the model and its engine; active, a `Session`: it is subscribed.
    """

    def __init__(self) -> None:
        super().__init__("segmentation")
        # rclpy's nodes have attributes of their own, `_parameters` and `_logger` among them: not these names here
        self._settings = declare(self)
        self._pipeline: Pipeline | None = None
        self._session: Session | None = None
        self._watch_timer: Any = None
        self._reported = -float("inf")
        self._alarms = (False, False)
        self._ended = ""
        self._hung = False
        self.add_on_set_parameters_callback(self._on_parameters)

    @property
    def settings(self) -> SegmentParameters:
        """The parameters of now."""
        return self._settings

    @property
    def pipeline(self) -> Pipeline | None:
        """What it is configured with."""
        return self._pipeline

    @property
    def hung(self) -> bool:
        """Whether a thread of this process is in an inference that did not come back when it should have ended."""
        return self._hung

    def configure(self) -> None:
        """Load the model and its engine."""
        self._pipeline = Pipeline(self, self._settings)
        # on a clock that neither stands nor jumps: with simulated time a bag that is over would silence diagnostics
        self._watch_timer = self.create_timer(_TICK, self._on_tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def activate(self) -> None:
        """Subscribe to the camera and begin to infer."""
        assert self._pipeline is not None
        self._ended = ""
        self._session = session = Session(self, self._pipeline, self._settings)
        segmenter, bundle = self._pipeline.segmenter, self._pipeline.segmenter.bundle
        self.get_logger().info(
            f"model {bundle.name} ({bundle.labels.name}, {bundle.working_size[0]}x{bundle.working_size[1]}, "
            f"{bundle.window_length} flow fields) on {segmenter.engine_name}; "
            f"{self.resolve_topic_name(session.topic)} -> {self.resolve_topic_name('~/label')}"
        )

    def deactivate(self) -> None:
        """Leave the camera: a subscription that stayed would go on firing."""
        self._end_session(_PATIENCE)

    def release(self) -> None:
        """Free the engine and its memory."""
        try:
            self._end_session(_PATIENCE)
        finally:
            self._close_pipeline()

    def close(self) -> None:
        """Stop and free everything, soon: the process is to end."""
        try:
            self._end_session(_PATIENCE_AT_END)
        except HungInference as error:
            self.get_logger().error(str(error))
        finally:
            self._close_pipeline()

    def _end_session(self, patience: float) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close(patience)
            except HungInference:
                self._hung = True
                if self._pipeline is not None:
                    self._pipeline.abandon_engine()
                raise

    def _close_pipeline(self) -> None:
        self._ended = ""
        timer, self._watch_timer = self._watch_timer, None
        pipeline, self._pipeline = self._pipeline, None
        if timer is not None:
            self.destroy_timer(timer)
        if pipeline is not None:
            pipeline.close()

    def _state_label(self) -> str:
        if self._session is not None:
            return "active"
        return "unconfigured" if self._pipeline is None else "inactive"

    def _on_tick(self) -> None:
        try:
            self._watch()
        except Exception as error:
            self.get_logger().error(f"diagnostics failed: {describe(error)}", throttle_duration_sec=_THROTTLE)

    def _watch(self) -> None:
        """Mend the session or end it; report once a second, and at once what changed for the worse or the better."""
        session = self._session
        if session is not None and (death := session.mend()):
            self.get_logger().error(f"deactivating: {death}")
            self.trigger_deactivate()
            self._ended, self._reported = f"deactivated: {death}", -float("inf")
        alarms = session.alarms() if session is not None else (False, False)
        now = time.monotonic()
        if alarms == self._alarms and now - self._reported < _REPORT:
            return
        self._alarms, self._reported = alarms, now
        if self._pipeline is None:
            return
        if self._session is not None:
            self._pipeline.diagnostics.publish(self._session.health())
        elif self._ended:
            self._pipeline.diagnostics.publish({"inference": (Health(ERROR, self._ended), {})})

    def _on_parameters(self, parameters: Sequence[Any]) -> SetParametersResult:
        """Take new values at once, or refuse all of them with a reason."""
        before = self._settings
        try:
            settings = before.changed({item.name: item.value for item in parameters}, self._state_label())
            if self._pipeline is not None:
                self._pipeline.change(before, settings)
        except Exception as error:
            if not isinstance(error, WsvsError):
                self.get_logger().error(f"parameters refused: {describe(error)}")
            return SetParametersResult(successful=False, reason=describe(error))
        self._settings = settings
        if self._session is not None:
            self._session.use(settings)
        return SetParametersResult(successful=True)
