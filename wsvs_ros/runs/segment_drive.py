"""`wsvs segment` on one drive: what it needs is opened, earlier results are looked at, the job is run."""

from __future__ import annotations

import argparse

from wsvs_ros.runs.engine_options import engine_options
from wsvs_ros.runs.results import make_folder


def segment_drive(args: argparse.Namespace) -> int:
    """Segment one drive."""
    from wsvs_ros.drives import open_drive
    from wsvs_ros.perception import VIDEO_CRF, ModelBundle, VideoSegmenter, default_bundle_path
    from wsvs_ros.runs.resume import Earlier, find_earlier, is_complete
    from wsvs_ros.runs.segment_job import SegmentJob, settings

    bundle = ModelBundle.load(args.model or default_bundle_path())
    with (
        open_drive(args.input, topic=args.topic, fps=args.fps) as drive,
        VideoSegmenter(
            bundle,
            engine=engine_options(args),
            lookahead=args.lookahead,
            motion=not args.no_motion,
            max_gap=_max_gap(drive.fps),
            crf=VIDEO_CRF if args.crf else None,
            device=args.device,
            flow_prior=args.flow_prior,
        ) as segmenter,
    ):
        earlier = Earlier()
        if args.resume:
            chosen = settings(args, drive, bundle)
            # a prior hands every flow on to the next; else only the window and the frames waited for count
            context = 10**9 if args.flow_prior else bundle.window_length + chosen["lookahead"] + 1
            expected = {"input": str(args.input), "model": bundle.sha256, "settings": chosen}
            earlier = find_earlier(args.output, expected, context=context)
            if is_complete(args.output):
                print(f"{args.output}: complete already")
                return 0
        if not (args.resume and args.output.is_dir() and any(args.output.iterdir())):
            make_folder(args.output, overwrite=args.overwrite, source=args.input)
        job = SegmentJob(args, drive, segmenter, earlier)
        interrupted = job.run()
    print(job.report())
    return 130 if interrupted else 0


def _max_gap(fps: float | None) -> float:
    """A slow drive's own period is no gap."""
    return max(0.5, 3 / fps) if fps else 0.5
