"""When the node calls itself well, and when not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from wsvs_ros.perception import SegmenterStats
from wsvs_ros.ros.parameters import SegmentParameters
from wsvs_ros.ros.statistics import Summary

# as DiagnosticStatus has them, where they are bytes in rclpy
OK, WARN, ERROR = 0, 1, 2

_MISSING = 0.05  # share of the camera's frames from which on it is a warning
_REMEDY = (
    "large images need larger socket buffers, here and at the camera's driver: launch with large_images:=true, set "
    "CYCLONEDDS_URI to config/cyclonedds_large_images.xml for the driver"
)
_BROKEN_OFF = 2  # times in the last seconds from which on it is no camera that was moved to another stream


class Health(NamedTuple):
    """A level and what there is to say."""

    level: int
    text: str


@dataclass(frozen=True)
class Inference:
    """
    What the inference is at.

    :param wanted: whether anybody subscribes to what needs it.
    :param owed_for: seconds for which frames have come and labels been wanted, and none went out.
    :param busy_for: seconds that the inference under way has taken up to now.
    """

    wanted: bool
    owed_for: float = 0.0
    busy_for: float = 0.0

    def overdue(self, settings: SegmentParameters) -> bool:
        """Whether a label should have gone out."""
        patience = max(settings.stale_after, 1.5 / settings.max_rate if settings.max_rate else 0.0)
        return max(self.owed_for, self.busy_for) > patience


def camera_health(summary: Summary, stats: SegmenterStats, settings: SegmentParameters) -> Health:
    """Of the camera: silence is an error, a stream that keeps breaking off or messages that are none a warning."""
    if summary.since_frame is None:
        if summary.age <= settings.stale_after:
            return Health(OK, "waiting for the first frame")
        asked = "no frame yet: is the camera running, and `image` remapped to its topic?"
        return Health(ERROR, f"{asked} If so, {_REMEDY}")
    if summary.since_frame > settings.stale_after:
        return Health(ERROR, f"no frame for {summary.since_frame:.1f} s")
    if summary.refused:
        return Health(WARN, f"{summary.refused} messages refused, the log says why")
    if summary.missing > _MISSING:
        lost = f"{100 * summary.missing:.0f} % of the frames are missing, by the gaps in the stamps of the others"
        return Health(WARN, f"{lost}: the camera skips them, or they are lost on the way; {_REMEDY}")
    if summary.resets >= _BROKEN_OFF:
        return Health(WARN, f"the flow window keeps beginning anew: {stats.last_reset}")
    return Health(OK, f"{summary.input_rate:.1f} frames a second")


def inference_health(summary: Summary, inference: Inference, settings: SegmentParameters) -> Health:
    """Of what is made of the frames."""
    if inference.overdue(settings):
        if inference.busy_for >= settings.stale_after:
            return Health(ERROR, f"an inference has been under way for {inference.busy_for:.1f} s")
        return Health(ERROR, f"frames come, labels are wanted, and none went out for {inference.owed_for:.1f} s")
    if summary.failed:
        level = WARN if summary.output_rate else ERROR
        return Health(level, f"{summary.failed} frames failed, the log says why")
    if not inference.wanted:
        return Health(OK, "nobody subscribes, so nothing is inferred")
    latency = summary.milliseconds.get("latency")
    if latency is not None and latency[1] > 1e3 * settings.warn_latency:
        return Health(WARN, f"labels come {latency[1]:.0f} ms after their frames")
    if summary.output_rate < settings.warn_rate:
        return Health(WARN, f"{summary.output_rate:.1f} label images a second, fewer than {settings.warn_rate:g}")
    return Health(OK, f"{summary.output_rate:.1f} label images a second")
