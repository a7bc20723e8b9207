"""Everything that is written of a run while it goes on, frame by frame, in the background's thread."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from wsvs_ros.drives import Drive
from wsvs_ros.drives.frame_log import FrameLog, FrameRecord
from wsvs_ros.drives.label_bag_writer import LabelBagWriter
from wsvs_ros.drives.video_rate import video_rate
from wsvs_ros.drives.video_writer import VideoWriter
from wsvs_ros.drives.writers import Background, LabelWriter
from wsvs_ros.perception import Frame, LabelSet, Segmentation
from wsvs_ros.perception.painting import overlay
from wsvs_ros.runs.options import SegmentOptions
from wsvs_ros.runs.run_folder import Earlier, RunFolder

_FALLBACK_FPS = 10.0  # of an overlay video whose drive does not tell


class RunWriter:
    """
    Labels, confidence, overlay, log and the labelled bag of one run.

    Leaving the context empties the background's queue before the files are closed.

    :param earlier: frames that an interrupted run did; they enter video and bag anew.
    :param labelled_bag: write a bag's copy with the labels.
    """

    def __init__(
        self,
        folder: RunFolder,
        drive: Drive,
        label_set: LabelSet,
        options: SegmentOptions,
        earlier: Earlier,
        *,
        labelled_bag: bool,
    ) -> None:
        self._folder, self._drive, self._label_set = folder, drive, label_set
        self._options, self._earlier = options, earlier
        self._labelled_bag = labelled_bag and drive.kind == "bag"
        self._files = ExitStack()
        self._bag: LabelBagWriter | None = None
        self.written = 0
        """Frames that are in the files, those of an earlier run among them."""

    def __enter__(self) -> RunWriter:
        folder, again = self._folder, self._earlier.is_there
        with self._files:
            palette = self._label_set.colors if self._options.palette else None
            self._labels = LabelWriter(folder.labels, replace=again, palette=palette)
            self._confidence = LabelWriter(folder.confidence, replace=again) if self._options.confidence else None
            fps = (self._drive.fps or _FALLBACK_FPS) / self._options.every
            self._video = VideoWriter(folder.overlay, video_rate(fps), replace=again)
            self._files.callback(self._video.close)
            self._log = FrameLog(folder.path, self._earlier.done.values())
            self._files.callback(self._log.close)
            self._background = self._files.enter_context(Background())
            if self._labelled_bag:
                self._bag = self._background.call(self._open_bag)  # SQLite's connections stay in their thread
                self._files.callback(self._background.call, self._bag.close)
            self._files = self._files.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._files.__exit__(*exception)

    def add(self, found: Segmentation, latency: float) -> None:
        """
        A frame's results; its images are made already.

        :param latency: seconds from the frame to its labels.
        """
        self._background.submit(partial(self._write, found, latency))

    def add_again(self, frame: Frame) -> None:
        """A frame that an earlier run did, into the new video and bag."""
        self._background.submit(partial(self._show_again, frame))

    def _write(self, found: Segmentation, latency: float) -> None:
        """Everything of one frame. The log's line comes last: what it names is there."""
        frame, labels = found.frame, found.labels
        if self._confidence is not None:
            self._confidence.write(frame.name, np.rint(255 * np.clip(found.confidence, 0, 1)).astype(np.uint8))
        self._labels.write(frame.name, labels)
        self._log.write(FrameRecord(frame.name, frame.stamp_ns, frame.frame_id, 1e3 * latency))
        self._show(frame, labels)

    def _show_again(self, frame: Frame) -> None:
        self._show(frame, self._earlier.labels(frame.name))

    def _show(self, frame: Frame, labels: np.ndarray) -> None:
        painted = overlay(frame.image, labels, self._label_set) if self._options.overlay else None
        if self._bag is not None:
            self._bag.write(frame.source, labels, painted)
        if painted is not None:
            self._video.write(painted)
        self.written += 1

    def _open_bag(self) -> LabelBagWriter:
        only_labels, again = self._options.only_labels, self._earlier.is_there
        drive: Any = self._drive
        writer = LabelBagWriter(self._folder.bag, drive, self._label_set, only_labels=only_labels, replace=again)
        if drive.tap is not None:  # copied in the thread that writes the labels
            drive.tap = lambda *message: self._background.submit(partial(writer.copy, *message))
        return writer
