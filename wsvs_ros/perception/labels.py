"""Label sets: the ids, names and colours of the classes that a model tells apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.yaml_fields import Fields, read_yaml

UNKNOWN = 255
"""The id of a pixel that belongs to no class."""

_BUILTIN = Path(__file__).with_name("labelsets")


class LabelSetError(WsvsError):
    """A label set is malformed, or a class or set of that name does not exist."""


@dataclass(frozen=True)
class LabelClass:
    """
    One class of a label set; its id is its place in the set.

    :param name: unique in the set.
    :param color: RGB, each 0 to 255.
    :param vehicle: whether the class belongs to the vehicle mask.
    """

    name: str
    color: tuple[int, int, int]
    vehicle: bool = False


@dataclass(frozen=True)
class LabelSet:
    """
    The classes of a label image in the order of their ids.

    :param name: e.g. `camvid11`.
    :param classes: 1 to 255 classes with unique names.
    :raises LabelSetError: if a name occurs twice or the number of classes is out of range.
    """

    name: str
    classes: tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= UNKNOWN:
            count = len(self.classes)
            raise LabelSetError(f"label set {self.name}: {count} classes, expected 1 to {UNKNOWN}")
        names = [label.name for label in self.classes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise LabelSetError(f"label set {self.name}: class {', '.join(twice)} occurs more than once")

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of their ids."""
        return tuple(label.name for label in self.classes)

    @cached_property
    def colors(self) -> np.ndarray:
        """(256, 3) uint8 RGB palette, indexed by id; ids without a class are black. Read-only."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(self)] = [label.color for label in self.classes]
        palette.setflags(write=False)
        return palette

    @property
    def vehicle_ids(self) -> tuple[int, ...]:
        """Ids of the classes that belong to the vehicle mask."""
        return tuple(index for index, label in enumerate(self.classes) if label.vehicle)

    def id_of(self, name: str) -> int:
        """
        The id of a class.

        :raises LabelSetError: if there is no such class; the message lists the names there are.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise LabelSetError(
                f"label set {self.name} has no class {name!r}; its classes are: {', '.join(self.names)}"
            ) from None

    @classmethod
    def load(cls, name_or_path: str | Path) -> LabelSet:
        """
        Load a built-in label set by name or any other from its YAML file.

        :param name_or_path: `camvid11`, `cityscapes19`, or a path; a name wins over a file of that name.
        :raises LabelSetError: if there is neither, or the file is not a label set.
        """
        builtin = {path.stem: path for path in sorted(_BUILTIN.glob("*.yaml"))}
        path = builtin.get(str(name_or_path), Path(name_or_path))
        if not path.is_file():
            raise LabelSetError(f"label set {name_or_path}: neither a built-in set ({', '.join(builtin)}) nor a file")
        return cls.from_dict(read_yaml(path, LabelSetError), where=str(path))

    @classmethod
    def from_dict(cls, data: Any, *, where: str = "label set", error: type[WsvsError] = LabelSetError) -> LabelSet:
        """
        Build a label set from what `to_dict` returned or a YAML file holds.

        :param data: `{name, classes: [{name, color: [r, g, b], vehicle?}]}`.
        :param where: what an error names as the place.
        :param error: the error class to raise for malformed data.
        """
        fields = Fields(data, where=where, error=error, keys=("name", "classes"))
        classes = []
        for index, item in enumerate(fields.sequence("classes")):
            entry = Fields(
                item,
                where=f"{where}: classes[{index}]",
                error=error,
                keys=("name", "color"),
                optional=("vehicle",),
            )
            red, green, blue = entry.integers("color", 3, 0, 255)
            vehicle = entry.boolean("vehicle", False)
            classes.append(LabelClass(entry.text("name"), (red, green, blue), vehicle))
        try:
            return cls(fields.text("name"), tuple(classes))
        except LabelSetError as problem:
            raise error(f"{where}: {problem}") from None

    def to_dict(self) -> dict[str, Any]:
        """The label set as plain data, for YAML or JSON; `from_dict` reads it back."""
        classes = []
        for label in self.classes:
            entry: dict[str, Any] = {"name": label.name, "color": list(label.color)}
            if label.vehicle:
                entry["vehicle"] = True
            classes.append(entry)
        return {"name": self.name, "classes": classes}
