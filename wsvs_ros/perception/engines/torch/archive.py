"""What a torch.export program may hold before torch is let near it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wsvs_ros.perception.engines.interface import EngineError

# what `torch.export.save` writes for a network of plain tensors, below the archive's own folder
_FILES = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/(version|serialization_id|alignment)|models/model\.json|"
    r"data/weights/(weight_\d+|model_weights_config\.json)|data/constants/(tensor_\d+|model_constants_config\.json)|"
    r"data/sample_inputs/model\.pt"
)
_OPERATOR = re.compile(r"torch\.ops\.aten\.\w+\.\w+")
_NAME = re.compile(r"[\w.]*")
_PLAIN = {
    *("as_none", "as_tensor", "as_tensors", "as_optional_tensor", "as_optional_tensors", "as_int", "as_ints"),
    *("as_float", "as_floats", "as_bool", "as_bools", "as_string", "as_strings"),
    *("as_scalar_type", "as_memory_format", "as_layout", "as_device"),
}


def check_program(path: Path) -> None:
    """
    Refuse a program that could run code of its own while it is loaded.

    `torch.export.load` unpickles whatever an archive says is pickled (weights, constants, example inputs, the whole
    of older formats), loads native libraries that lie in it, looks functions up by any name and compiles the text of
    guards, of symbolic sizes and of names. Accepted is what none of this applies to: plain tensors, computed by
    operators of torch's own library, on fixed sizes.

    :param path: the archive.
    :raises EngineError: naming the file and what is in it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for reason in _reasons(archive):
                raise EngineError(
                    f"{path}: is not loaded, because it may run code of its own: {reason}; export the model again "
                    "with `python -m training.export`, or choose engine onnxruntime"
                )
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            f"{path}: is no program of torch.export: {error}; export the model again, or choose engine onnxruntime"
        ) from error


def written_by(path: Path) -> str:
    """The version of torch that wrote a program, or `unknown`."""
    try:
        with zipfile.ZipFile(path) as archive:
            model = next(name for name in archive.namelist() if name.endswith("/models/model.json"))
            return str(json.loads(archive.read(model)).get("torch_version", "unknown"))
    except (OSError, zipfile.BadZipFile, ValueError, StopIteration):
        return "unknown"


def _reasons(archive: zipfile.ZipFile) -> Iterator[str]:
    names = archive.namelist()
    if len(names) != len(set(names)):
        yield "two files of one name"
    for name in names:
        if not _FILES.fullmatch(name.partition("/")[2]):
            yield f"the file {name}"
        if name.endswith("/sample_inputs/model.pt") and archive.getinfo(name).file_size:
            yield f"pickled data in {name}"
        if name.endswith("_config.json"):
            yield from _payload_reasons(name, json.loads(archive.read(name)))
        if name.endswith("/models/model.json"):
            yield from _model_reasons(json.loads(archive.read(name)))


def _payload_reasons(name: str, config: dict[str, Any]) -> Iterator[str]:
    for tensor, payload in config["config"].items():
        if payload["use_pickle"] is not False or not re.fullmatch(r"(weight|tensor)_\d+", payload["path_name"]):
            yield f"pickled data for {tensor} in {name}"


def _model_reasons(model: dict[str, Any]) -> Iterator[str]:
    graph_module = model["graph_module"]
    if model.get("guards_code") or model.get("range_constraints") or graph_module.get("treespec_namedtuple_fields"):
        yield "guards, sizes or types that are written as code"
    for node in graph_module["graph"]["nodes"]:
        if not _OPERATOR.fullmatch(node["target"]):
            yield f"the operator {node['target']}"
    for key, value in _items(model):
        if key.startswith("as_") and key not in _PLAIN:
            yield f"a value of kind {key}"
        # names become a part of the Python text that torch makes of the graph
        if key.endswith(("name", "names")) and isinstance(value, str) and not _NAME.fullmatch(value):
            yield f"the name {value!r}"


def _items(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value at any depth with the key that it stands under; the items of a list stand under the list's."""
    if isinstance(value, dict):
        for inner, content in value.items():
            yield inner, content
            if not isinstance(content, str):
                yield from _items(content, inner)
    elif isinstance(value, list):
        for item in value:
            yield key, item
            yield from _items(item, key)
