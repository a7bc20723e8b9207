"""One drive of `wsvs segment`: what it needs is opened, earlier results are looked at, the job is run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wsvs_ros.drives import DriveError, open_drive
from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.open import is_bag
from wsvs_ros.perception import VIDEO_CRF, ModelBundle, VideoSegmenter, default_bundle_path
from wsvs_ros.runs.cameras import Cameras
from wsvs_ros.runs.fingerprint import fingerprint
from wsvs_ros.runs.interruption import Interruption
from wsvs_ros.runs.options import ALL_TOPICS
from wsvs_ros.runs.run_folder import Earlier, RunError, RunFolder
from wsvs_ros.runs.segment_job import Identity, SegmentJob, needed_context
from wsvs_ros.runs.task import SegmentTask


def segment_drive(task: SegmentTask) -> int:
    """
    Segment one drive; of a bag's cameras, where several are wanted, one after the other with the same model.

    :return: 0, or 130 if interrupted, with everything so far in place.
    :raises WsvsError: if the drive, the model or an option is not what it should be, or results cannot be written.
    """
    topics = _topics(task)
    bundle = ModelBundle.load(task.options.model or default_bundle_path())
    with Interruption() as interruption:
        if len(topics) < 2:
            return _segment(task, bundle, topics[0] if topics else None, interruption)
        cameras = Cameras(task, topics)
        for topic in topics:
            one = replace(task, output=cameras.folder(topic))
            status = _segment(one, bundle, topic, interruption, labelled_bag=False)
            if status:
                return status
        return cameras.write_bag(bundle.labels, interruption)


def _segment(
    task: SegmentTask, bundle: ModelBundle, topic: str | None, interruption: Interruption, *, labelled_bag: bool = True
) -> int:
    options, folder = task.options, RunFolder(task.output)
    excerpt = Excerpt(options.start, options.end)
    with (
        open_drive(task.input, topic=topic, fps=options.fps, excerpt=excerpt) as drive,
        VideoSegmenter(
            bundle,
            engine=options.engine_options,
            lookahead=options.lookahead,
            motion=options.motion,
            max_gap=max(0.5, 3 / drive.fps) if drive.fps else 0.5,  # a slow drive's own period is no gap
            crf=VIDEO_CRF if options.crf else None,
            device=options.device,
            flow_prior=options.flow_prior,
        ) as segmenter,
    ):
        identity = Identity(_fingerprint(task), options.identity(drive, bundle, segmenter.engine_name))
        earlier = Earlier()
        if task.resume:
            context = needed_context(task, segmenter, identity.settings["lookahead"])
            earlier = folder.earlier(identity.fingerprint, identity.settings, context=context)
            if folder.is_complete:
                print(f"{folder.path}: complete already")
                return 0
        if not earlier.is_there:
            folder.prepare(overwrite=task.overwrite, source=task.input)
        job = SegmentJob(task, folder, drive, segmenter, identity, earlier, labelled_bag=labelled_bag)
        job.run(interruption)
    print(job.report())
    return 130 if interruption.wanted else 0


def _topics(task: SegmentTask) -> list[str]:
    """The image topics that are wanted; none where the drive has one at most."""
    topics = task.options.topics
    if not topics:
        return []
    path = Path(task.input)
    if not path.exists() or not is_bag(path):
        if not path.exists():
            raise DriveError(f"{path}: no such file or folder")
        raise DriveError(f"{path}: not a bag, so it has no topic {topics[0]!r}")
    from wsvs_ros.drives.bags import image_topics

    there = image_topics(path)
    if topics == (ALL_TOPICS,):
        return there
    for topic in topics:
        if topic not in there:
            raise DriveError(f"{path}: no image topic {topic}; there are: {', '.join(there) or 'none'}")
    return list(dict.fromkeys(topics))


def _fingerprint(task: SegmentTask) -> str:
    try:
        return fingerprint(task.input)
    except OSError as error:
        raise RunError(f"{error.filename}: cannot be read: {error.strerror}") from error
