"""The frames of a run, each with its prediction and whatever there is beside it: truth, confidence, camera image."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wsvs_ros.drives import Drive, DriveError, open_drive
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.open import is_bag
from wsvs_ros.errors import WsvsError
from wsvs_ros.evaluation.camera_images import CameraImages
from wsvs_ros.evaluation.mapping import LabelMapping
from wsvs_ros.evaluation.read_ahead import ahead
from wsvs_ros.evaluation.sources import Labelled, LabelSource, open_labels
from wsvs_ros.perception.label_maps import read_label_map
from wsvs_ros.runs.run_folder import RunFolder


@dataclass(frozen=True)
class EvaluatedFrame:
    """
    One frame of a run; all arrays are (H, W) uint8 but the image, (H, W, 3) uint8 BGR.

    :param stamp_ns: None where it is not known.
    :param confidence: 255 for certain.
    :param latency_ms: milliseconds, where it was measured.
    """

    name: str
    stamp_ns: int | None
    pred: np.ndarray
    truth: np.ndarray | None
    confidence: np.ndarray | None
    image: np.ndarray | None
    latency_ms: float | None


class Run:
    """
    A run's predictions with what they are measured by. It can be read any number of times, frame by frame.

    :param pred: predicted label PNGs, the output of `wsvs segment`, or a bag with a label topic.
    :param labels: the truth, in any of these forms; None for none.
    :param images: the drive that was segmented; None for the run's own input, if that is still there.
    :param mapping: from the predictions' label set to the truth's.
    :param truth_mapping: from the truth's label set to the predictions'.
    :param allow_missing: a truth without prediction is left out instead of refused.
    :param excerpt: the frames that are measured, by their stamps.
    :param every: of these, each so-manieth.
    :raises WsvsError: if one of them cannot be read.
    """

    def __init__(
        self,
        pred: Path,
        labels: Path | None = None,
        *,
        images: str | None = None,
        topic: str | None = None,
        labels_topic: str | None = None,
        mapping: LabelMapping | None = None,
        truth_mapping: LabelMapping | None = None,
        allow_missing: bool = False,
        excerpt: Excerpt = Excerpt(),
        every: int = 1,
    ) -> None:
        self.path = pred
        self.name = pred.resolve().name
        self.labels_path = labels
        self.summary = RunFolder.around(pred).summary()
        self.missing = 0
        """True label maps for which there was no prediction, once it was read."""
        self._topic, self._labels_topic = topic, labels_topic
        self._mapping, self._truth_mapping = mapping, truth_mapping
        self._excerpt, self._every = excerpt, every
        self._is_all = excerpt.is_all and every == 1
        self._allow_missing = allow_missing or not self._is_all
        self._confidence = pred / "confidence"
        self._images = images
        source = open_labels(pred, topic)
        self.frame_count = len(source.names) if source.names is not None and self._is_all else None
        """How many frames there are, where that is known beforehand."""
        if labels is not None:
            self._check_complete(source, open_labels(labels, labels_topic))

    def read(self, names: Collection[str] | None = None) -> Iterator[EvaluatedFrame]:
        """
        The frames in their order.

        :param names: only these.
        :raises WsvsError: if a file cannot be read, sizes differ, or a truth has no prediction.
        """
        truth = None if self.labels_path is None else open_labels(self.labels_path, self._labels_topic)
        matched = 0

        def jobs() -> Iterator[Callable[[], EvaluatedFrame]]:
            nonlocal matched
            with CameraImages(self._open_images()) as images:
                for frame in self._chosen(open_labels(self.path, self._topic)):
                    if names is not None and frame.name not in names:
                        continue
                    found = truth.find(frame) if truth is not None else None
                    matched += found is not None
                    image = images.find(frame)
                    yield lambda frame=frame, found=found, image=image: self._load(frame, found, image)  # type: ignore[misc]

        yield from ahead(jobs(), lambda job: job())
        if truth is not None and names is None:
            self._check_matched(truth, matched)

    def _chosen(self, source: LabelSource) -> Iterator[Labelled]:
        """The frames of the excerpt, each so-manieth."""
        first: int | None = None
        for index, frame in enumerate(source):
            if not self._excerpt.is_all:
                if frame.stamp_ns is None:
                    raise WsvsError(f"{frame.where}: has no stamp, by which --start and --end are counted")
                first = frame.stamp_ns if first is None else first
                if not self._excerpt.has((frame.stamp_ns - first) * 1e-9):
                    continue
            if index % self._every == 0:
                yield frame

    def _load(
        self, frame: Labelled, truth: Labelled | None, image: Callable[[], np.ndarray | None] | None
    ) -> EvaluatedFrame:
        pred = frame.read()
        pred = self._mapping(pred) if self._mapping else pred
        true = truth.read() if truth else None
        if true is not None and truth is not None:
            true = self._truth_mapping(true) if self._truth_mapping else true
            if true.shape != pred.shape:
                raise WsvsError(
                    f"{frame.where}: {pred.shape[1]}x{pred.shape[0]} pixels, but the truth {truth.where} has "
                    f"{true.shape[1]}x{true.shape[0]}; segment at the camera's own resolution"
                )
        confidence = self._confidence / f"{frame.name}.png"
        picture = image() if image else None
        return EvaluatedFrame(
            name=frame.name,
            stamp_ns=frame.stamp_ns,
            pred=pred,
            truth=true,
            confidence=_sized(read_label_map(confidence), pred) if confidence.is_file() else None,
            image=picture if picture is not None and picture.shape[:2] == pred.shape else None,
            latency_ms=frame.latency_ms,
        )

    def _open_images(self) -> Drive | None:
        """The drive that was given, or the run's own input where that is still there and is what it was."""
        settings = self.summary.get("settings")
        settings = settings if isinstance(settings, dict) else {}
        drive, topic = self._images, settings.get("topic")
        if drive is not None:
            return open_drive(drive, topic=topic if is_bag(Path(drive)) else None)
        drive = self.summary.get("input")
        if not isinstance(drive, str) or (drive != "synthetic" and not Path(drive).exists()):
            return None
        try:
            return open_drive(drive, topic=topic, fps=settings.get("fps"))
        except DriveError:
            return None

    def _check_complete(self, pred: LabelSource, truth: LabelSource) -> None:
        """A missing prediction is an error, not a discount; where names tell, it is said before the work."""
        if pred.names is None or truth.names is None or self._allow_missing:
            return
        known = set(pred.names)
        missing = [name for name in truth.names if name not in known]
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            told = ", ".join(f"{name}.png" for name in missing[:3])
            raise WsvsError(f"{pred.path}: no prediction for {told}{more}, which {truth.path} has")

    def _check_matched(self, truth: LabelSource, matched: int) -> None:
        count = len(truth.names) if truth.names is not None else sum(1 for _ in truth)
        self.missing = count - matched if self._is_all else 0
        if not matched:
            raise WsvsError(f"{self.path}: no frame has a truth in {truth.path}; is it the same drive?")
        if self.missing and not self._allow_missing:
            raise WsvsError(
                f"{self.path}: no prediction for {self.missing} of the {count} label maps of {truth.path}; "
                "--allow-missing measures the others"
            )


def _sized(confidence: np.ndarray, pred: np.ndarray) -> np.ndarray | None:
    return confidence if confidence.shape == pred.shape else None
