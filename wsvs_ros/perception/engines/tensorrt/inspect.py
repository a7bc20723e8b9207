"""In which precision a built TensorRT engine multiplies."""

from __future__ import annotations

import json
import math
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
# of all multiplications, that have to be in the precision asked for: a few layers stay in float32 in a float16 graph,
# and in an int8 graph all convolutions without an activation function
_LEAST_SHARE = {"float32": 1.0, "float16": 0.9, "int8": 0.45}


def check_precision(layers: str, precision: str) -> str | None:
    """
    Compare an engine's layers with the precision that was asked for.

    :param layers: the engine inspector's JSON, of TensorRT 10 or 11, of an engine built with detailed verbosity.
    :param precision: `float32`, `float16` or `int8`.
    :return: the shares of the multiplications by precision, in words; None if the inspector tells nothing, e.g.
        because its JSON is broken by names with quotes.
    :raises EngineError: if too small a share is in that precision.
    """
    work = count_multiplications(layers)
    total = sum(work.values())
    if not total:
        return None
    found = ", ".join(f"{count / total:.1%} {name}" for name, count in work.most_common())
    if work[precision] < _LEAST_SHARE[precision] * total:
        raise EngineError(
            f"the TensorRT engine was to compute in {precision}, but its multiplications are: {found}; at least "
            f"{_LEAST_SHARE[precision]:.0%} are expected; export the bundle again and report this with the version of "
            "TensorRT"
        )
    return found


def count_multiplications(layers: str) -> Counter[str]:
    """
    How much is multiplied in which precision, as far as the inspector's JSON tells.

    A convolution counts its weights times the places that it is computed at; another layer, or one whose sizes are
    not told, the elements that it gives, at least 1.
    """
    try:
        listed = json.loads(layers)["Layers"]
    except (ValueError, KeyError, TypeError):
        return Counter()
    work: Counter[str] = Counter()
    for layer in listed:
        precision = _precision(layer)
        if precision is not None:
            work[precision] += _multiplications(layer)
    return work


def _multiplications(layer: dict[str, Any]) -> int:
    outputs = [tensor for tensor in layer.get("Outputs", ()) if isinstance(tensor, dict)]
    sizes = [tensor["Dimensions"] for tensor in outputs if isinstance(tensor.get("Dimensions"), list)]
    sizes = [size for size in sizes if all(isinstance(side, int) and side > 0 for side in size)]
    if not sizes:
        return 1
    weights = layer.get("Weights")
    count = weights.get("Count") if isinstance(weights, dict) else None
    if isinstance(count, int) and count > 0 and len(sizes[0]) > 2:
        return count * math.prod(sizes[0][2:])
    return max(map(math.prod, sizes))


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
