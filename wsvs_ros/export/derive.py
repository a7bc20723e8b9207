"""Makes the other precisions of a bundle's network and checks each of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from wsvs_ros.export.frames import FrameStore
from wsvs_ros.export.parity import ExportError, Infer, compare
from wsvs_ros.perception.bundle import ModelBundle, ModelFile, Parity
from wsvs_ros.perception.bundle_config import FILES
from wsvs_ros.perception.engines import OnnxRuntimeEngine


def derive(
    bundle: ModelBundle, precisions: Sequence[str], frames: FrameStore, reference: Infer | None = None
) -> tuple[dict[str, bytes], dict[str, Parity]]:
    """
    Convert a bundle's float32 network and compare every result with the network by ONNX Runtime.

    :param bundle: with a float32 network.
    :param precisions: of `float32`, which is compared only, `float16` and `int8`.
    :param frames: real frames to calibrate and to compare by.
    :param reference: runs the network that the float32 one comes from; without it, that one itself.
    :return: the files by variant, but for float32, and what was measured, by variant.
    :raises ExportError: if a package is missing, a conversion fails or a result differs too much.
    """
    try:
        from wsvs_ros.export.float16 import to_float16
        from wsvs_ros.export.int8 import to_int8
    except ImportError as error:
        raise ExportError(f"converting needs the package onnx ({error}); pip install 'wsvs_ros[export]'") from error
    model = bundle.model_path.read_bytes()
    makers: dict[str, dict[str, Callable[[], bytes]]] = {
        "float32": {"float32": lambda: model},
        "float16": {"float16": lambda: to_float16(model)},
        "int8": {
            "int8": lambda: to_int8(model, frames, symmetric=False),
            "int8-symmetric": lambda: to_int8(model, frames, symmetric=True),
        },
    }
    engine = OnnxRuntimeEngine(bundle)
    expected = _remembered(reference or engine.infer, frames)
    variants: dict[str, bytes] = {}
    parity: dict[str, Parity] = {}
    for precision in precisions:
        for variant, make in makers[precision].items():
            variants[variant] = make()
            parity[variant] = _measure(bundle, variant, variants[variant], frames, expected)
    engine.close()
    variants.pop("float32", None)
    return variants, parity


def describe_files(bundle: ModelBundle) -> str:
    """A bundle's files with their sizes and how well they agree with what they were made from."""
    lines = [f"{bundle.path}: {bundle.name}"]
    for variant, model in bundle.models.items():
        size = model.path.stat().st_size / 1e6
        found = model.parity
        agrees = ""
        if found is not None:
            agrees = (
                f", the same label on {found.agreement:.2%} of the pixels of {found.frames} frames, "
                f"probabilities within {found.max_error:.2g}"
            )
            if found.class_agreement is not None:
                agrees += f", {found.class_agreement:.1%} of {found.worst_class}, the class that suffers most"
        lines.append(f"  {variant}: {model.path.name}, {size:.1f} MB{agrees}")
    return "\n".join(lines)


def _measure(bundle: ModelBundle, variant: str, content: bytes, frames: FrameStore, expected: Infer) -> Parity:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILES[variant]
        path.write_bytes(content)
        # as a bundle whose float32 network it is, because the engine runs no other symmetric one on a CPU
        trial = replace(bundle, path=path.parent, models={"float32": ModelFile(path, "0" * 64)})
        engine = OnnxRuntimeEngine(trial)
        try:
            return compare(variant, engine.infer, expected, frames, bundle.working_size, bundle.labels)
        finally:
            engine.close()


def _remembered(reference: Infer, frames: FrameStore) -> Infer:
    """The reference, run once a frame: its scores are asked for once a variant, in the same order."""
    scores = [reference(image, flow) for image, flow in frames]
    index = 0

    def next_scores(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        nonlocal index
        index += 1
        return scores[(index - 1) % len(scores)]

    return next_scores
