"""bundle.yaml: what it holds, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.yaml_fields import Fields

CONFIG = "bundle.yaml"
SCHEMA = 2
INPUTS = {"image": "uint8", "flow": "float32"}
"""The graphs' inputs: RGB (1, 3, H, W) and the flow stack (1, 2L, H, W)."""
FILES = {
    "float32": "model.onnx",
    "float16": "model-float16.onnx",
    "int8": "model-int8.onnx",
    "int8-symmetric": "model-int8-symmetric.onnx",
    "program": "model.pt2",
}
"""The variants that there are, and the files that `ModelBundle.write` gives them."""
OUTPUTS = ("scores",)
"""The graphs' output: probabilities (1, N, h, w). Label maps are made of them where the frames are computed."""

_KEYS = ["name", "labels", "working_size", "window", "flow", "inputs", "trained_on", "metrics"]


class BundleError(WsvsError):
    """A model bundle is incomplete, altered, of another schema, or at odds with its own network."""


@dataclass(frozen=True)
class FlowSettings:
    """
    Which optical flow a model was trained with.

    :param algorithm: e.g. `dis`.
    :param preset: e.g. `fast`; `wsvs_ros.perception.flow.create_flow` names the ones there are.
    """

    algorithm: str = "dis"
    preset: str = "fast"


@dataclass(frozen=True)
class Parity:
    """
    How well a file of a bundle agrees with the network that it was made from.

    :param frames: real frames on which both were run.
    :param max_error: largest difference of a probability.
    :param agreement: share of the pixels, at the working size, that get the same label, 0 to 1.
    :param class_agreement: the same share among the pixels of the class that suffers most; None in bundles written
        before it was measured.
    :param worst_class: its name.
    """

    frames: int
    max_error: float
    agreement: float
    class_agreement: float | None = None
    worst_class: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Its entry in bundle.yaml."""
        data: dict[str, Any] = {"frames": self.frames, "max_error": self.max_error, "agreement": self.agreement}
        if self.class_agreement is not None:
            data |= {"class_agreement": self.class_agreement, "worst_class": self.worst_class}
        return data


@dataclass(frozen=True)
class ModelFile:
    """
    A file with the network in some form.

    :param path: the file.
    :param sha256: its SHA-256, hexadecimal.
    :param parity: how well it agrees with the network it comes from, where that was measured.
    """

    path: Path
    sha256: str
    parity: Parity | None = None

    def to_dict(self) -> dict[str, Any]:
        """The file's entry in bundle.yaml."""
        data: dict[str, Any] = {"file": self.path.name, "sha256": self.sha256}
        if self.parity is not None:
            data["parity"] = self.parity.to_dict()
        return data


def parse(path: Path, config: Path, data: Any) -> dict[str, Any]:
    """
    Check what bundle.yaml holds.

    :param path: the bundle's directory.
    :param config: the file, for errors.
    :param data: its content as YAML has it; schema 1, of version 0.1.0, knows one model only.
    :return: the keyword arguments of a `ModelBundle`, but for its path.
    :raises BundleError: naming the file, key and value, and what is accepted.
    """
    schema = data.get("schema") if isinstance(data, dict) else SCHEMA
    if schema not in (1, SCHEMA) or isinstance(schema, bool):
        # first of all, because another schema has other keys
        raise BundleError(f"{config}: schema: got {schema!r}, this version of wsvs_ros reads schema 1 and {SCHEMA}")
    own = ["model"] if schema == 1 else ["models", "outputs"]
    fields = Fields(data, where=str(config), error=BundleError, keys=["schema", *own, *_KEYS])
    window = fields.nested("window", ("length", "lookahead"))
    length = window.integer("length", 1, 100)
    flow = fields.nested("flow", ("algorithm", "preset"))
    inputs = fields.nested("inputs", tuple(INPUTS))
    for name, dtype in INPUTS.items():
        if inputs.raw(name) != dtype:
            inputs.refuse(name, dtype)
    if schema != 1 and fields.texts("outputs") != OUTPUTS:
        fields.refuse("outputs", f"{list(OUTPUTS)}; export the model again, without label maps in the graph")
    width, height = fields.integers("working_size", 2, 16, 8192)
    return {
        "name": fields.text("name"),
        "models": {"float32": _model(path, fields, "model")} if schema == 1 else _models(path, fields),
        "labels": LabelSet.from_dict(fields.raw("labels"), where=f"{config}: labels", error=BundleError),
        "working_size": (width, height),
        "window_length": length,
        "lookahead": window.integer("lookahead", 0, length // 2),
        "flow": FlowSettings(flow.text("algorithm"), flow.text("preset")),
        "inputs": dict(INPUTS),
        "trained_on": fields.texts("trained_on"),
        "metrics": dict(fields.mapping("metrics")),
    }


def _models(path: Path, fields: Fields) -> dict[str, ModelFile]:
    others = [variant for variant in FILES if variant != "float32"]
    models = fields.nested("models", ["float32"], optional=others)
    return {variant: _model(path, models, variant) for variant in FILES if models.raw(variant) is not None}


def _model(path: Path, fields: Fields, key: str) -> ModelFile:
    model = fields.nested(key, ("file", "sha256"), optional=("parity",))
    file = model.text("file")
    if Path(file).name != file:
        model.refuse("file", "the name of a file in the bundle's own directory")
    sha256 = model.text("sha256").lower()
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        model.refuse("sha256", "64 hexadecimal digits")
    return ModelFile(path / file, sha256, None if model.raw("parity") is None else _parity(model))


def _parity(model: Fields) -> Parity:
    found = model.nested("parity", ("frames", "max_error", "agreement"), optional=("class_agreement", "worst_class"))
    by_class = found.raw("class_agreement") is not None
    return Parity(
        found.integer("frames", 1, 10**9),
        found.number("max_error"),
        found.number("agreement"),
        found.number("class_agreement") if by_class else None,
        found.text("worst_class") if by_class else "",
    )
