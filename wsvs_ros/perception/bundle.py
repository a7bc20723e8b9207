"""ModelBundle: the one contract between training and the car."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wsvs_ros.directories import is_empty_directory, replace_directory
from wsvs_ros.perception import bundle_config
from wsvs_ros.perception.bundle_config import CONFIG, INPUTS, BundleError, FlowSettings, ModelFile, Parity
from wsvs_ros.perception.labels import LabelSet
from wsvs_ros.yaml_fields import read_yaml

__all__ = ["BundleError", "FlowSettings", "ModelBundle", "ModelFile", "Parity", "default_bundle_path"]


@dataclass(frozen=True)
class ModelBundle:
    """
    A trained model with everything that is needed to run it; see `load` and `write`.

    :param path: the bundle's directory.
    :param name: the model's name.
    :param models: the network's files by variant: `float32` always; perhaps `float16`, `int8` (for CPUs),
        `int8-symmetric` (for TensorRT), all ONNX, and `program` (torch.export).
    :param labels: the classes of the scores, in order.
    :param working_size: width and height of the network's input, pixels.
    :param window_length: L, the number of flow fields in the window.
    :param lookahead: how many of them lie in the future of the frame, 0 to L // 2.
    :param flow: the optical flow that the model was trained with.
    :param inputs: dtype by name of the graphs' inputs.
    :param trained_on: what the model was trained on.
    :param metrics: what it reached, free form.
    """

    path: Path
    name: str
    models: Mapping[str, ModelFile]
    labels: LabelSet
    working_size: tuple[int, int]
    window_length: int
    lookahead: int = 0
    flow: FlowSettings = FlowSettings()
    inputs: Mapping[str, str] = field(default_factory=lambda: dict(INPUTS))
    trained_on: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model_path(self) -> Path:
        """The float32 ONNX file."""
        return self.models["float32"].path

    @property
    def sha256(self) -> str:
        """The float32 ONNX file's SHA-256, hexadecimal."""
        return self.models["float32"].sha256

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the graphs' inputs for one frame."""
        width, height = self.working_size
        return {"image": (1, 3, height, width), "flow": (1, 2 * self.window_length, height, width)}

    def model(self, variant: str) -> ModelFile:
        """
        One of the network's files.

        :raises BundleError: if the bundle has no such variant; the message says how to make it.
        """
        if variant not in self.models:
            raise BundleError(
                f"{self.path}: has no {variant} network, but {', '.join(self.models)}; "
                + ("`python -m training.export`" if variant == "program" else "`wsvs export`")
                + " makes it"
            )
        return self.models[variant]

    @classmethod
    def load(cls, path: str | Path) -> ModelBundle:
        """
        Read and verify a bundle.

        :param path: the bundle's directory.
        :raises BundleError: naming the file, key and value, and what is accepted.
        """
        path = Path(path)
        config = path / CONFIG
        if not config.is_file():
            there = f"has no {CONFIG}" if path.is_dir() else "is no directory"
            raise BundleError(f"{path}: {there}; expected a model bundle (model.onnx, {CONFIG}, README.md)")
        bundle = cls(path=path, **bundle_config.parse(path, config, read_yaml(config, BundleError)))
        for variant, model in bundle.models.items():
            if not model.path.is_file():
                raise BundleError(f"{model.path}: missing, but {config} names it as the file of models: {variant}")
            actual = hashlib.sha256(_read(model.path)).hexdigest()
            if actual != model.sha256:
                raise BundleError(
                    f"{config}: models: {variant}: sha256: got {model.sha256}, but {model.path} has {actual}; "
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
        variants: Mapping[str, bytes] | None = None,
        parity: Mapping[str, Parity] | None = None,
        trained_on: Sequence[str] = (),
        metrics: Mapping[str, Any] | None = None,
        readme: str = "",
    ) -> ModelBundle:
        """
        Write a bundle aside and put it in place at once; a bundle that is there already is replaced.

        :param path: the bundle's directory.
        :param model: the float32 ONNX file's bytes or its path.
        :param variants: content of the other files by variant.
        :param parity: how well files were found to agree with the network they come from, by variant.
        :param readme: text of the model card; without it one line with the name.
        :return: the bundle, read back from the new directory.
        :raises BundleError: if a value would be refused by `load`, or `path` is something else than a bundle.
        """
        path = Path(path)
        if path.exists() and not (path / CONFIG).is_file() and not is_empty_directory(path):
            raise BundleError(f"{path}: exists and is not a model bundle; give another path or remove it")
        content = model if isinstance(model, bytes) else _read(Path(model))
        files = {"float32": content, **(variants or {})}
        bundle = cls(
            path=path,
            name=name,
            models={
                variant: ModelFile(
                    path / bundle_config.FILES.get(variant, variant),
                    hashlib.sha256(data).hexdigest(),
                    (parity or {}).get(variant),
                )
                for variant, data in files.items()
            },
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
        bundle_config.parse(path, path / CONFIG, yaml.safe_load(text))
        written = {bundle.models[variant].path.name: data for variant, data in files.items()}
        written |= {CONFIG: text.encode(), "README.md": (readme or f"# {name}\n").encode()}
        try:
            replace_directory(path, written)
        except OSError as error:
            raise BundleError(f"{path}: cannot write the bundle: {error}") from error
        return cls.load(path)

    def to_dict(self) -> dict[str, Any]:
        """The content of bundle.yaml as plain data."""
        return {
            "schema": bundle_config.SCHEMA,
            "name": self.name,
            "models": {variant: model.to_dict() for variant, model in self.models.items()},
            "labels": self.labels.to_dict(),
            "working_size": list(self.working_size),
            "window": {"length": self.window_length, "lookahead": self.lookahead},
            "flow": {"algorithm": self.flow.algorithm, "preset": self.flow.preset},
            "inputs": dict(self.inputs),
            "outputs": list(bundle_config.OUTPUTS),
            "trained_on": list(self.trained_on),
            "metrics": dict(self.metrics),
        }


def default_bundle_path() -> Path:
    """Where the bundle that comes with the package lies."""
    return Path(__file__).parents[1] / "models" / "default"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from None
