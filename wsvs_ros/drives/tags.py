"""Tagged drives: which classes a clip or an image shows, and nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from wsvs_ros.drives.bag_tags import read_bag_tags
from wsvs_ros.drives.drive_tags import CLIP_STATES, Clip, DriveTags
from wsvs_ros.drives.open import is_bag
from wsvs_ros.drives.time_base import KEYS, TimeBase, read_time_base
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.yaml_fields import FastLoader, Fields, read_yaml


class TagError(WsvsError):
    """Tags that are malformed, out of range, or name unknown classes."""


def load_clip_tags(
    path: str | Path,
    label_set: LabelSet,
    *,
    ignore: Iterable[str] = (),
    durations: Mapping[str, float] | None = None,
    fps: Mapping[str, float] | None = None,
    unfinished: bool = False,
) -> dict[str, DriveTags]:
    """
    Read `tags.yaml`: for each drive a list of clips `{start, end, tags: [...]}`, in seconds, or in frames
    where a clip says `unit: frames`; or `{stamps, fps, topic, clips: [...]}`, which says what the seconds count, see
    :class:`TimeBase`. Clips with `state: unsure` or `state: open` (`wsvs tag`) are left out, and drives without any
    other.

    :param path: the file; or a bag that bears tags (`wsvs tag --into-bag`), which are returned under the bag's name.
    :param ignore: tag names that the label set leaves out on purpose; they are dropped.
    :param durations: seconds of each drive; given, clips beyond are refused.
    :param fps: frames per second of each drive, for clips in frames where the file names no rate.
    :param unfinished: return the clips that are unsure or open, too.
    :return: clips and time base by drive name, in the file's order.
    :raises TagError: naming the file, drive, clip and tag.
    """
    path = Path(path)
    content = _of_bag(path) if path.exists() and is_bag(path) else _read(path)
    return parse_clip_tags(
        content, str(path), label_set, ignore=ignore, durations=durations, fps=fps, unfinished=unfinished
    )


def _of_bag(path: Path) -> Any:
    text = read_bag_tags(path)
    if text is None:
        raise TagError(f"{path}: this bag bears no tags; `wsvs tag {path.name} --into-bag` writes them into it")
    try:
        content = yaml.load(text, FastLoader)
    except yaml.YAMLError as error:
        raise TagError(f"{path}: the tags in this bag are no YAML: {error}") from None
    # bags are renamed
    return {path.name: next(iter(content.values()))} if isinstance(content, Mapping) and len(content) == 1 else content


def parse_clip_tags(
    content: Any,
    path: str,
    label_set: LabelSet,
    *,
    ignore: Iterable[str] = (),
    durations: Mapping[str, float] | None = None,
    fps: Mapping[str, float] | None = None,
    unfinished: bool = False,
) -> dict[str, DriveTags]:
    """
    :func:`load_clip_tags` of what such a file holds.

    :param content: drive name -> list of clips, or time base and clips.
    :param path: where it stands, for errors.
    """
    if not isinstance(content, Mapping) or not content:
        raise TagError(f"{path}: a mapping of drive names to lists of clips is needed, got {_kind(content)}")
    drives: dict[str, DriveTags] = {}
    for drive, given in content.items():
        where = f"{path}: {drive}"
        time_base, entries = _split(given, where)
        if not isinstance(entries, list) or not entries:
            raise TagError(f"{where}: a list of clips is needed, got {_kind(entries)}")
        rate = time_base.fps or (fps or {}).get(str(drive))
        duration = (durations or {}).get(str(drive))
        clips = [
            _clip(entry, f"{where}: clip {number}", label_set, frozenset(ignore), duration, rate)
            for number, entry in enumerate(entries, 1)
        ]
        kept = tuple(clip for clip in clips if unfinished or clip.state == "done")
        if kept:
            drives[str(drive)] = DriveTags(kept, time_base)
    return drives


def load_time_bases(path: str | Path) -> dict[str, TimeBase]:
    """
    Read of `tags.yaml` only how times were counted, which opening a drive needs before its clips can be checked.

    :return: by drive name; drives of which the file does not tell are missing.
    :raises TagError: naming the file, drive and key.
    """
    content = _read(Path(path))
    if not isinstance(content, Mapping):
        return {}
    found = {str(drive): _split(given, f"{path}: {drive}")[0] for drive, given in content.items()}
    return {drive: time_base for drive, time_base in found.items() if time_base != TimeBase()}


def load_image_tags(path: str | Path, label_set: LabelSet, *, ignore: Iterable[str] = ()) -> dict[str, frozenset[str]]:
    """
    Read `tags.json` (or YAML): for each image name the classes that the image shows.

    :param ignore: tag names that the label set leaves out on purpose; they are dropped.
    :raises TagError: naming the file, image and tag.
    """
    path = Path(path)
    content = _read(path)
    if not isinstance(content, Mapping) or not content:
        raise TagError(f"{path}: a mapping of image names to lists of classes is needed, got {_kind(content)}")
    return {
        str(image): _tags(tags, f"{path}: {image}", label_set, frozenset(ignore)) for image, tags in content.items()
    }


def _read(path: Path) -> Any:
    """What the file holds (JSON is YAML); a name that occurs twice is refused, because YAML would drop the first."""
    content = read_yaml(path, TagError)
    root = yaml.compose(path.read_text(encoding="utf-8"), FastLoader)
    if isinstance(root, yaml.MappingNode):
        names = Counter(str(key.value) for key, _ in root.value)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise TagError(f"{path}: {twice[0]} occurs twice; put all its tags in one place")
    return content


def _split(given: Any, where: str) -> tuple[TimeBase, Any]:
    """Time base and clips of a drive; a bare list is clips alone."""
    if not isinstance(given, Mapping):
        return TimeBase(), given
    fields = Fields(given, where=where, error=TagError, keys=("clips",), optional=KEYS)
    return read_time_base(fields), fields.raw("clips")


def _clip(
    entry: Any,
    where: str,
    label_set: LabelSet,
    ignore: frozenset[str],
    duration: float | None,
    fps: float | None,
) -> Clip:
    fields = Fields(entry, where=where, error=TagError, keys=("start", "end", "tags"), optional=("unit", "state"))
    start, end = fields.number("start"), fields.number("end")
    unit = fields.raw("unit") or "seconds"
    if unit not in ("seconds", "frames"):
        fields.refuse("unit", "seconds or frames")
    state = fields.raw("state") or "done"
    if state not in CLIP_STATES:
        fields.refuse("state", ", ".join(CLIP_STATES))
    if unit == "frames":
        if not fps:
            raise TagError(f"{where}: in frames, but the drive's frame rate is not known; give seconds")
        start, end = start / fps, end / fps
    if not 0 <= start < end:
        raise TagError(f"{where}: start {start:g} and end {end:g}; 0 <= start < end is needed")
    if duration is not None and end > duration + 0.5:
        raise TagError(f"{where}: ends at {end:g} s, but the drive lasts {duration:g} s")
    return Clip(start, end, _tags(fields.raw("tags"), where, label_set, ignore), state)


def _tags(tags: Any, where: str, label_set: LabelSet, ignore: frozenset[str]) -> frozenset[str]:
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise TagError(f"{where}: tags: a list of class names is needed, got {tags!r}")
    unknown = sorted(set(tags) - set(label_set.names) - ignore)
    if unknown:
        raise TagError(
            f"{where}: unknown class {', '.join(map(repr, unknown))}; label set {label_set.name} has "
            f"{', '.join(label_set.names)}; name others in `ignore` to drop them"
        )
    return frozenset(tags) - ignore


def _kind(value: Any) -> str:
    return "nothing" if not value else f"a {type(value).__name__}"
