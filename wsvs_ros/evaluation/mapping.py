"""From one label set to another, as a YAML file says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import UNKNOWN, LabelSet
from wsvs_ros.yaml_fields import Fields, read_yaml

_BUILTIN = Path(__file__).with_name("mappings")


class MappingError(WsvsError):
    """A mapping between label sets is malformed, or there is none of that name."""


@dataclass(frozen=True)
class LabelMapping:
    """
    What each id of one label set is in another.

    :param table: (256,) uint8; ids without a counterpart become 255.
    """

    source: LabelSet
    target: LabelSet
    table: np.ndarray

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        """(H, W) uint8 ids of the source -> (H, W) uint8 ids of the target, 255 where there is none."""
        return cv2.LUT(labels, self.table)

    @classmethod
    def load(cls, name_or_path: str) -> LabelMapping:
        """
        Load a mapping.

        :param name_or_path: `camvid11:cityscapes19`, its reverse, or a YAML file
            `{from: SET, to: SET, classes: {class: class or null}}` that names every class of the first set; a SET is
            a built-in name or a YAML file beside it.
        :raises MappingError: if there is none, or it is malformed.
        """
        builtin = {path.stem.replace("-", ":"): path for path in sorted(_BUILTIN.glob("*.yaml"))}
        path = builtin.get(name_or_path, Path(name_or_path))
        if not path.is_file():
            raise MappingError(f"--map {name_or_path}: neither a built-in mapping ({', '.join(builtin)}) nor a file")
        fields = Fields(
            read_yaml(path, MappingError), where=str(path), error=MappingError, keys=("from", "to", "classes")
        )
        source, target = (_label_set(fields.text(key), path.parent) for key in ("from", "to"))
        pairs = fields.mapping("classes")
        missing = [name for name in source.names if name not in pairs]
        if missing:
            raise MappingError(f"{path}: classes: {missing[0]} of {source.name} is missing; map it to a class or null")
        table = np.full(256, UNKNOWN, np.uint8)
        for name, other in pairs.items():
            for label, known in ((name, source), (other, target)):
                if label is not None and label not in known.names:
                    raise MappingError(
                        f"{path}: classes: {known.name} has no class {label!r}; its classes are: "
                        f"{', '.join(known.names)}"
                    )
            if other is not None:
                table[source.id_of(name)] = target.id_of(other)
        return cls(source, target, table)


def _label_set(name: str, folder: Path) -> LabelSet:
    beside = folder / name
    return LabelSet.load(beside if beside.is_file() else name)
