"""In which precision the layers of a built TensorRT engine compute."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from wsvs_ros.perception.engines.interface import EngineError

# how TensorRT 10 and 11 write types, in full words or in formats; the first one found in a text is meant
_TYPES = (
    ("BFLOAT16", "bfloat16"),
    ("BF16", "bfloat16"),
    ("FP16", "float16"),
    ("HALF", "float16"),
    ("UINT8", "uint8"),
    ("INT8", "int8"),
    ("FP32", "float32"),
    ("FLOAT", "float32"),
)
_NO_ARITHMETIC = ("constant", "reformat", "noop", "shape", "signal", "wait", "reshape", "shuffle", "cast")


def check_precision(layers: str, precision: str) -> str:
    """
    Compare an engine's layers with the precision that was asked for.

    :param layers: the engine inspector's JSON, of TensorRT 10 or 11, of an engine built with detailed verbosity.
    :param precision: `float32`, `float16` or `int8`.
    :return: the layers counted by precision, in words.
    :raises EngineError: if no layer, or for float32 not every layer, computes in it.
    """
    counts = count_precisions(layers)
    found = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none known"
    if not counts:
        return found  # the inspector told nothing, e.g. because its JSON is broken by names with quotes
    if counts[precision] == 0 or (precision == "float32" and set(counts) != {"float32"}):
        raise EngineError(
            f"the TensorRT engine was to compute in {precision}, but its layers do in: {found}; "
            "export the bundle again and report this with the version of TensorRT"
        )
    return found


def count_precisions(layers: str) -> Counter[str]:
    """How many layers compute in which precision, as far as the inspector's JSON tells."""
    try:
        listed = json.loads(layers)["Layers"]
    except (ValueError, KeyError, TypeError):
        return Counter()
    return Counter(precision for layer in listed if (precision := _precision(layer)) is not None)


def _precision(layer: Any) -> str | None:
    """The narrowest type that goes into a layer or comes out of it."""
    if not isinstance(layer, dict):  # a name only
        return None
    if any(word in str(layer.get("LayerType", "")).lower() for word in _NO_ARITHMETIC):
        return None
    tensors = [*layer.get("Inputs", ()), *layer.get("Outputs", ()), *layer.get("Constants", ())]
    found = {_type(tensor) for tensor in tensors if isinstance(tensor, dict)}
    weights = layer.get("Weights")
    if isinstance(weights, dict):
        found.add(_name(str(weights.get("Type", ""))))
    return next((name for name in ("int8", "float16", "bfloat16", "float32") if name in found), None)


def _type(tensor: dict[str, Any]) -> str | None:
    for key in ("Datatype", "DataType", "Format/Datatype", "Format"):
        name = _name(str(tensor.get(key, "")))
        if name is not None:
            return name
    return None


def _name(text: str) -> str | None:
    return next((name for word, name in _TYPES if word in text.upper()), None)
