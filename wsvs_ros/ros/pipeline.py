"""What configuring the node makes: the model in its engine, the publishers, the diagnostics."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rclpy.node import Node

from wsvs_ros.perception import VIDEO_CRF, ModelBundle, VideoSegmenter, default_bundle_path
from wsvs_ros.ros.diagnostics import Diagnostics
from wsvs_ros.ros.log_bridge import LogBridge
from wsvs_ros.ros.outputs import Outputs
from wsvs_ros.ros.parameters import SegmentParameters


class Pipeline:
    """
    Made as a whole or not at all, and closed as a whole.

    A TensorRT engine may take minutes to build, and says how far it is.

    :param node: an rclpy node.
    :param settings: its parameters.
    :raises WsvsError: if the model cannot be loaded or no engine can run it.
    """

    def __init__(self, node: Node, settings: SegmentParameters) -> None:
        self._abandoned = False
        with ExitStack() as made:
            with LogBridge(node.get_logger()):
                self.segmenter = _load_segmenter(settings)
            made.callback(self._close_segmenter)
            bundle = self.segmenter.bundle
            self.outputs = Outputs(node, bundle.labels, settings.confidence_threshold)
            made.callback(self.outputs.close)
            self.diagnostics = Diagnostics(node, bundle.name)
            made.callback(self.diagnostics.close)
            self._closing = made.pop_all()

    def change(self, before: SegmentParameters, after: SegmentParameters) -> None:
        """
        Go on with other parameters, with all of them or, if one is refused, with none.

        :raises WsvsError: if one is.
        """
        segmenter = self.segmenter
        if after.lookahead != before.lookahead:
            segmenter.check_lookahead(_lookahead(after))
        if after.crf != before.crf:
            segmenter.set_crf(VIDEO_CRF if after.crf else None)
        if after.lookahead != before.lookahead:
            segmenter.set_lookahead(_lookahead(after))
        if after.confidence_threshold != before.confidence_threshold:
            self.outputs.publish_label_info(after.confidence_threshold)

    def abandon_engine(self) -> None:
        """Leave the engine to a thread that does not come back from it: `close` will not wait for it."""
        self._abandoned = True

    def close(self) -> None:
        """Free the engine and its memory, and leave the topics."""
        self._closing.close()

    def _close_segmenter(self) -> None:
        if not self._abandoned:
            self.segmenter.close()


def _load_segmenter(settings: SegmentParameters) -> VideoSegmenter:
    return VideoSegmenter(
        ModelBundle.load(Path(settings.model) if settings.model else default_bundle_path()),
        engine=settings.engine_options(),
        lookahead=_lookahead(settings),
        max_gap=settings.max_gap,
        crf=VIDEO_CRF if settings.crf else None,
        device=settings.device,
        flow_prior=settings.flow_prior,
    )


def _lookahead(settings: SegmentParameters) -> int | None:
    return None if settings.lookahead < 0 else settings.lookahead
