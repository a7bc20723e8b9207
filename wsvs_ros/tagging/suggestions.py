"""What models see in a clip: suggestions that people confirm or correct."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from wsvs_ros.drives.tags import TagError
from wsvs_ros.perception import Frame, ModelBundle, VideoSegmenter
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.tagging.pictures import strip_times
from wsvs_ros.tagging.seeking import FrameSource

THRESHOLD = 0.5
"""Score from which a class is ticked beforehand."""

_FRAMES = 3  # of a clip that are looked at
_SHARE = 0.002  # of the picture at which a class is as likely there as not


class Suggester(Protocol):
    """Anything that has an opinion on what a clip shows."""

    def scores(self, source: FrameSource, drive: str, start: float, end: float) -> dict[str, float]:
        """
        :return: 0 to 1 by class; classes that it does not know are missing.
        """

    def close(self) -> None: ...


class SegmenterSuggester:
    """
    What a bundle segments in a few frames of the clip, each taken alone.

    A class scores `share / (share + 0.002)` by its share of the pixels of the frame that shows it largest.

    :param label_set: the classes that are tagged; others of the bundle are left out.
    :raises BundleError: if the bundle cannot be used.
    """

    def __init__(self, bundle: ModelBundle, label_set: LabelSet) -> None:
        self._names = [name if name in label_set.names else None for name in bundle.labels.names]
        self._segmenter = VideoSegmenter(bundle, motion=False, lookahead=0)

    def scores(self, source: FrameSource, drive: str, start: float, end: float) -> dict[str, float]:
        """The scores of a clip."""
        shares = [self.shares(source.at(time)) for time in strip_times(start, end, _FRAMES)]
        return {
            name: round(float(share / (share + _SHARE)), 3)
            for name, share in zip(self._names, np.max(shares, axis=0), strict=True)
            if name is not None
        }

    def shares(self, image: np.ndarray) -> np.ndarray:
        """
        The classes' shares of a picture.

        :param image: (H, W, 3) uint8 BGR.
        :return: (N,) float64.
        """
        # the network's own resolution tells shares well enough
        labels = self._segmenter.push(Frame(image, 0))[0].scores.argmax(0)
        return np.bincount(labels.ravel(), minlength=len(self._names)) / labels.size

    def close(self) -> None:
        """Free the engine."""
        self._segmenter.close()


class FileSuggester:
    """
    Suggestions of other models from a file: scores of moments of each drive.

    :param path: JSON: `{"drives": {NAME: {"times": [...], "scores": {CLASS: [...]}}}}`, seconds and 0 to 1.
    :raises TagError: if the file cannot be used; it says why.
    """

    def __init__(self, path: Path, label_set: LabelSet) -> None:
        try:
            drives = json.loads(path.read_text(encoding="utf-8"))["drives"]
            self._drives = {
                str(name): (
                    np.asarray(content["times"], float),
                    {str(key): np.asarray(values, float) for key, values in content["scores"].items()},
                )
                for name, content in drives.items()
            }
        except OSError as error:
            raise TagError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TagError(f"{path}: no file of suggestions: {error!r}") from None
        for name, (times, scores) in self._drives.items():
            for key, values in scores.items():
                if key not in label_set.names:
                    raise TagError(f"{path}: {name}: unknown class {key!r}; there are {', '.join(label_set.names)}")
                if values.shape != times.shape or times.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
                    raise TagError(f"{path}: {name}: {key}: a score of 0 to 1 is needed for each of the times")

    def scores(self, source: FrameSource, drive: str, start: float, end: float) -> dict[str, float]:
        """The greatest score of each class within the clip."""
        times, scores = self._drives.get(Path(drive).name, (np.empty(0), {}))
        inside = (times >= start) & (times < end)
        if not inside.any():
            return {}
        return {name: round(float(values[inside].max()), 3) for name, values in scores.items()}

    def close(self) -> None:
        """Nothing is held open."""


class CombinedSuggester:
    """Several suggesters; where two know a class, the surer one is heard."""

    def __init__(self, suggesters: Sequence[Suggester]) -> None:
        self._suggesters = suggesters

    def scores(self, source: FrameSource, drive: str, start: float, end: float) -> dict[str, float]:
        """The scores of a clip."""
        found: dict[str, float] = {}
        for suggester in self._suggesters:
            for name, score in suggester.scores(source, drive, start, end).items():
                found[name] = max(score, found.get(name, 0.0))
        return found

    def close(self) -> None:
        """Free what the suggesters hold."""
        for suggester in self._suggesters:
            suggester.close()


def ticked(scores: Mapping[str, float], threshold: float = THRESHOLD) -> frozenset[str]:
    """The classes that are ticked beforehand."""
    return frozenset(name for name, score in scores.items() if score >= threshold)
