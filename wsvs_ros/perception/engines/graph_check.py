"""Whether a network, in whatever engine, takes and gives what its bundle says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from wsvs_ros.perception.bundle import BundleError, ModelBundle
from wsvs_ros.perception.bundle_config import OUTPUTS


class Port(NamedTuple):
    """
    An input or output of a network.

    :param dtype: its type in NumPy's words.
    :param shape: its shape; a free axis is anything but a positive integer.
    """

    dtype: str
    shape: Sequence[int | str | None]


def check_graph(bundle: ModelBundle, path: Path, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> None:
    """
    Refuse a network at odds with its bundle.

    :param path: the file that errors name.
    :raises BundleError: if an input or output is missing, one too many, or of another type or shape.
    """
    if set(inputs) != set(bundle.input_shapes):
        _refuse(path, "inputs", ", ".join(inputs) or "none", ", ".join(bundle.input_shapes))
    for name, shape in bundle.input_shapes.items():
        if inputs[name].dtype != bundle.inputs[name]:
            _refuse(path, f"input {name}", inputs[name].dtype, bundle.inputs[name])
        if not _fits(inputs[name].shape, shape):
            _refuse(path, f"input {name}", str(list(inputs[name].shape)), str(list(shape)))
    if set(outputs) != set(OUTPUTS):
        _refuse(path, "outputs", ", ".join(outputs), ", ".join(OUTPUTS))
    for name, port in outputs.items():
        if port.dtype != "float32":
            _refuse(path, f"output {name}", port.dtype, "float32")
    width, height = bundle.working_size
    scores = outputs["scores"].shape
    classes = len(bundle.labels)
    # the strides of the two axes are the network's own affair: at most the working size
    sides = scores[2:] if len(scores) == 4 else []
    small = all(side <= limit for side, limit in zip(sides, (height, width), strict=False) if isinstance(side, int))
    if not sides or not _fits(scores[:2], (1, classes)) or not small:
        _refuse(path, "output scores", str(list(scores)), f"[1, {classes}, h <= {height}, w <= {width}]")


def _fits(declared: Sequence[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an array of `shape` can be fed."""
    if len(declared) != len(shape):
        return False
    pairs = zip(declared, shape, strict=True)
    return all(not isinstance(axis, int) or axis < 0 or axis == size for axis, size in pairs)


def _refuse(path: Path, what: str, got: str, expected: str) -> NoReturn:
    raise BundleError(
        f"{path}: {what}: got {got}, expected {expected} by the bundle's bundle.yaml; export the model again"
    )
