"""Drives with clip-level tags: their frames have neighbours, so these samples have flow.

A drive is decoded to the working size and its flow computed by the very code that runs in the car, once: what samples
need of both is kept in the work directory.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from training.caches import Cache, Contents, Ingredients, digest
from training.datasets.decoding import Needs
from training.datasets.names import Names
from training.datasets.sample import Sample
from training.datasets.tagged_drive import Recording, TaggedDrive
from wsvs_ros.drives.tags import DriveTags
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import create_flow
from wsvs_ros.perception.labels import LabelSet

_LOG = logging.getLogger(__name__)


def tagged_drives(
    folder: Path,
    clips: Mapping[str, DriveTags],
    label_set: LabelSet,
    *,
    cache: Path,
    contents: Contents,
    size: tuple[int, int],
    flow: FlowSettings,
    device: str = "cpu",
    window: tuple[int, int],
    step: int,
    fps: float | None = None,
    shots: bool = False,
    names: Names | None = None,
    on_error: str = "stop",
) -> list[Sample]:
    """
    The samples of tagged drives.

    :param folder: where the drives lie, under the names of ``clips``.
    :param clips: what they show and how its times were counted, see :func:`wsvs_ros.drives.tags.load_clip_tags`.
    :param cache: folder for what is decoded, on first use.
    :param contents: tells whether a recording is what it was.
    :param size: working size: width, height.
    :param device: where the flow is computed: ``cpu`` or ``cuda``.
    :param window: L and lookahead.
    :param step: every how many frames one is a sample.
    :param fps: frame rate of folders of images, instead of what the tags say.
    :param shots: keep all frames of the samples' shots, for :attr:`training.datasets.sample.Shot.load`.
    :param names: those that other drives have already.
    :param on_error: ``skip`` leaves unreadable drives out with a warning.
    :raises WsvsError: if a drive is missing or unreadable, or its times cannot be counted as its tags say.
    """
    algorithm, names = create_flow(flow, device), names or Names()
    kept, needs = Cache(cache, f"drives of {folder}", ""), Needs(*window, shots=shots)
    drives: dict[str, TaggedDrive] = {}
    wanted: dict[str, Ingredients] = {}
    assumed: dict[str, list[str]] = {}
    samples: list[Sample] = []

    def skip(error: WsvsError) -> None:
        if on_error == "stop":
            raise error
        _LOG.warning("left out: %s", error)

    for name, tagged in clips.items():
        try:
            recording = Recording.find(folder / name, tagged.time_base, contents, fps)
        except WsvsError as error:
            skip(error)
            continue
        if recording.assumed:
            assumed.setdefault(str(recording.time_base), []).append(name)
        unique = names.of(str(Path(name).with_suffix("")), folder.name, recording.time_base.topic or "")
        wanted[unique] = {"recording": recording.content, "size": digest(size), "flow": algorithm.name}
        drives[unique] = TaggedDrive(unique, recording, tagged, step, kept.path(unique, wanted[unique]), size)
    for time_base, several in assumed.items():
        _LOG.info("%s: the tags do not say what their times count; taken as %s", ", ".join(several), time_base)
    kept.report(wanted, [name for name, drive in drives.items() if not drive.is_whole(needs)])
    for drive in drives.values():
        try:
            drive.complete(algorithm, needs)
            samples += drive.samples(label_set, needs, algorithm)
        except WsvsError as error:
            skip(error)
    return samples
