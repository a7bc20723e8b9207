"""Label Cityscapes' test frames for its server: ``python -m training.submit WORK ROOT -o results``; zip the folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from training.datasets.cityscapes import Cityscapes, write_submission
from training.datasets.errors import DatasetError
from training.running.command_line import run_command
from training.running.evaluation import bundle_of, segment_item
from wsvs_ros.perception import VideoSegmenter
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.crf import VIDEO_CRF, CrfSettings
from wsvs_ros.perception.labels import LabelSet


def submit(bundle: ModelBundle, dataset: Cityscapes, folder: Path, *, crf: CrfSettings | None = None) -> int:
    """
    Write a PNG of label ids for each frame; what is there already is kept, so an interrupted run goes on.

    :param folder: for the PNGs; made if it is new.
    :param crf: refine the scores by this CRF.
    :return: how many frames have one.
    :raises WsvsError: if the model has other classes or a frame cannot be read.
    """
    if bundle.labels.names != LabelSet.load(dataset.labels).names:
        raise DatasetError(f"the model knows {bundle.labels.name}; the server asks for {dataset.labels}")
    folder.mkdir(parents=True, exist_ok=True)
    items = dataset.items()
    with VideoSegmenter(bundle, crf=crf) as segmenter:
        for item in tqdm(items, desc=f"{dataset.name} {dataset.split}", unit="frame"):
            if not any(folder.glob(f"{item.unit}_*.png")):
                found = segment_item(segmenter, item, lookahead=bundle.lookahead)
                write_submission(folder, item, found.labels)
    return len(items)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.submit", description=__doc__)
    parser.add_argument("work", type=Path, help="work directory of training.fit")
    parser.add_argument("root", type=Path, help="Cityscapes' folder")
    parser.add_argument("--split", default="test", help="default: %(default)s")
    parser.add_argument("--checkpoint", type=Path, help="default: WORK/checkpoints/last.ckpt")
    parser.add_argument("--crf", action="store_true", help="refine the scores by a fully-connected CRF")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the label images")
    args = parser.parse_args(argv)

    def job() -> str:
        dataset = Cityscapes(args.root, args.split)
        with bundle_of(args.work, args.checkpoint) as bundle:
            count = submit(bundle, dataset, args.output, crf=VIDEO_CRF if args.crf else None)
        return f"{count} label images in {args.output}; zip them for https://www.cityscapes-dataset.com/submit"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
