"""Derive a tag file from a dataset's annotations, once: ``python -m training.tags DATASET ROOT -o tags.json``.

The one place where training looks at annotations; from then on it reads the tag file alone, which says what it was
derived from. People's own tags need no annotations: see :mod:`training.datasets.tag_file` for the format.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from tqdm import tqdm

from training.datasets.dataset import Dataset
from training.datasets.errors import DatasetError
from training.datasets.registry import DATASETS, open_dataset
from training.datasets.tag_file import write_tags
from training.running.command_line import run_command
from wsvs_ros import __version__
from wsvs_ros.perception.labels import LabelSet


def derive_tags(dataset: Dataset, path: Path, *, only: Sequence[str] | None = None) -> int:
    """
    Write the tag file of a dataset.

    :param path: a new file.
    :param only: the classes to keep; images or shots that show none of them but the background are left out.
    :return: how many images or shots have tags.
    :raises WsvsError: if annotations are missing, a class does not exist or the file does.
    """
    names = LabelSet.load(dataset.labels).names
    if strangers := sorted(set(only or ()) - set(names)):
        raise DatasetError(f"{dataset.name}: no class {', '.join(strangers)}; there are {', '.join(names)}")
    kept = set(names if only is None else only)
    tags = {}
    for unit, shown in tqdm(dataset.annotated_classes(), desc=f"tags of {dataset.name}", unit=""):
        if kept & set(shown) - {"background"} or only is None:
            tags[unit] = [name for name in names if name in shown and (name in kept or name == "background")]
    if not tags:
        raise DatasetError(f"{dataset.name} {dataset.split}: no image or shot shows any of the classes")
    derived = {
        "dataset": dataset.name,
        "split": dataset.split,
        "root": str(dataset.root.resolve()),
        "from": dataset.tags_from,
        "label_set": dataset.labels,
        "classes": "all" if only is None else list(only),
        "by": f"python -m training.tags, wsvs_ros {__version__}",
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    write_tags(path, tags, derived)
    return len(tags)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.tags", description=__doc__)
    parser.add_argument("dataset", choices=sorted(DATASETS))
    parser.add_argument("root", type=Path, help="its folder")
    parser.add_argument("--split", default="train", help="default: %(default)s")
    parser.add_argument("--only", nargs="+", metavar="CLASS", help="keep these classes and what shows them")
    parser.add_argument("-o", "--output", type=Path, required=True, help="tag file to write; it must not exist")
    args = parser.parse_args(argv)

    def job() -> str:
        count = derive_tags(open_dataset(args.dataset, args.root, args.split), args.output, only=args.only)
        return f"{args.output}: tags of {count} images or shots, derived from annotations"

    return run_command(job)


if __name__ == "__main__":
    sys.exit(main())
