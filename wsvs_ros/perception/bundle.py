"""ModelBundle: the one contract between training and the car."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.directories import is_empty_directory, replace_directory
from wsvs_ros.perception.fields import Fields, read_yaml
from wsvs_ros.perception.labels import LabelSet

SCHEMA = 1
INPUTS = {"image": "uint8", "flow": "float32"}
"""The graph's inputs: RGB (1, 3, H, W) and the flow stack (1, 2L, H, W)."""

_CONFIG = "bundle.yaml"
_KEYS = [
    "schema",
    "name",
    "model",
    "labels",
    "working_size",
    "window",
    "flow",
    "inputs",
    "trained_on",
    "metrics",
]


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
class ModelBundle:
    """
    A trained model with everything that is needed to run it; see `load` and `write`.

    :param path: the bundle's directory.
    :param name: the model's name.
    :param model_path: the ONNX file.
    :param sha256: the ONNX file's SHA-256, hexadecimal.
    :param labels: the classes of the scores, in order.
    :param working_size: width and height of the network's input, pixels.
    :param window_length: L, the number of flow fields in the window.
    :param lookahead: how many of them lie in the future of the frame, 0 to L // 2.
    :param flow: the optical flow that the model was trained with.
    :param inputs: dtype by name of the graph's inputs.
    :param trained_on: what the model was trained on.
    :param metrics: what it reached, free form.
    """

    path: Path
    name: str
    model_path: Path
    sha256: str
    labels: LabelSet
    working_size: tuple[int, int]
    window_length: int
    lookahead: int = 0
    flow: FlowSettings = FlowSettings()
    inputs: Mapping[str, str] = field(default_factory=lambda: dict(INPUTS))
    trained_on: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> ModelBundle:
        """
        Read and verify a bundle.

        :param path: the bundle's directory.
        :raises BundleError: naming the file, key and value, and what is accepted.
        """
        path = Path(path)
        config = path / _CONFIG
        if not config.is_file():
            there = f"has no {_CONFIG}" if path.is_dir() else "is no directory"
            raise BundleError(f"{path}: {there}; expected a model bundle (model.onnx, {_CONFIG}, README.md)")
        bundle = _parse(path, config, read_yaml(config, BundleError))
        if not bundle.model_path.is_file():
            raise BundleError(f"{bundle.model_path}: missing, but {config} names it as model: file")
        actual = hashlib.sha256(_read(bundle.model_path)).hexdigest()
        if actual != bundle.sha256:
            raise BundleError(
                f"{config}: model: sha256: got {bundle.sha256}, but {bundle.model_path} has {actual}; "
                "the model was altered or copied incompletely, fetch or export the bundle again"
            )
        return bundle

    @classmethod
    def write(
        cls,
        path: str | Path,
        model: bytes | str | Path,
        *,
        name: str,
        labels: LabelSet,
        working_size: tuple[int, int],
        window_length: int,
        lookahead: int = 0,
        flow: FlowSettings = FlowSettings(),
        trained_on: Sequence[str] = (),
        metrics: Mapping[str, Any] | None = None,
        readme: str = "",
    ) -> ModelBundle:
        """
        Write a bundle aside and put it in place at once; a bundle that is there already is replaced.

        :param path: the bundle's directory.
        :param model: the ONNX file's bytes or its path.
        :param readme: text of the model card; without it one line with the name.
        :return: the bundle, read back from the new directory.
        :raises BundleError: if a value would be refused by `load`, or `path` is something else than a bundle.
        """
        path = Path(path)
        if path.exists() and not (path / _CONFIG).is_file() and not is_empty_directory(path):
            raise BundleError(f"{path}: exists and is not a model bundle; give another path or remove it")
        content = model if isinstance(model, bytes) else _read(Path(model))
        bundle = cls(
            path=path,
            name=name,
            model_path=path / "model.onnx",
            sha256=hashlib.sha256(content).hexdigest(),
            labels=labels,
            working_size=working_size,
            window_length=window_length,
            lookahead=lookahead,
            flow=flow,
            trained_on=tuple(trained_on),
            metrics=metrics or {},
        )
        try:
            text = yaml.safe_dump(bundle.to_dict(), sort_keys=False, default_flow_style=None, width=110)
        except yaml.representer.RepresenterError as error:
            raise BundleError(f"{path}: a value is no plain text, number, list or mapping: {error}") from None
        _parse(path, path / _CONFIG, yaml.safe_load(text))
        card = (readme or f"# {name}\n").encode()
        try:
            replace_directory(path, {"model.onnx": content, _CONFIG: text.encode(), "README.md": card})
        except OSError as error:
            raise BundleError(f"{path}: cannot write the bundle: {error}") from error
        return cls.load(path)

    def to_dict(self) -> dict[str, Any]:
        """The content of bundle.yaml as plain data."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "model": {"file": self.model_path.name, "sha256": self.sha256},
            "labels": self.labels.to_dict(),
            "working_size": list(self.working_size),
            "window": {"length": self.window_length, "lookahead": self.lookahead},
            "flow": {"algorithm": self.flow.algorithm, "preset": self.flow.preset},
            "inputs": dict(self.inputs),
            "trained_on": list(self.trained_on),
            "metrics": dict(self.metrics),
        }


def default_bundle_path() -> Path:
    """Where the bundle that comes with the package lies."""
    return Path(__file__).parents[1] / "models" / "default"


def _parse(path: Path, config: Path, data: Any) -> ModelBundle:
    schema = data.get("schema") if isinstance(data, dict) else None
    if isinstance(data, dict) and (schema != SCHEMA or isinstance(schema, bool)):
        # first of all, because another schema has other keys
        raise BundleError(f"{config}: schema: got {schema!r}, this version of wsvs_ros reads schema {SCHEMA}")
    fields = Fields(data, where=str(config), error=BundleError, keys=_KEYS)
    model = fields.nested("model", ("file", "sha256"))
    file = model.text("file")
    if Path(file).name != file:
        model.refuse("file", "the name of a file in the bundle's own directory")
    sha256 = model.text("sha256").lower()
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        model.refuse("sha256", "64 hexadecimal digits")
    window = fields.nested("window", ("length", "lookahead"))
    length = window.integer("length", 1, 100)
    flow = fields.nested("flow", ("algorithm", "preset"))
    inputs = fields.nested("inputs", tuple(INPUTS))
    for name, dtype in INPUTS.items():
        if inputs.raw(name) != dtype:
            inputs.refuse(name, dtype)
    width, height = fields.integers("working_size", 2, 16, 8192)
    return ModelBundle(
        path=path,
        name=fields.text("name"),
        model_path=path / file,
        sha256=sha256,
        labels=LabelSet.from_dict(fields.raw("labels"), where=f"{config}: labels", error=BundleError),
        working_size=(width, height),
        window_length=length,
        lookahead=window.integer("lookahead", 0, length // 2),
        flow=FlowSettings(flow.text("algorithm"), flow.text("preset")),
        inputs=dict(INPUTS),
        trained_on=fields.texts("trained_on"),
        metrics=dict(fields.mapping("metrics")),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from None
