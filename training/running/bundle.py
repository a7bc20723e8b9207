"""The model bundle of a trained network: every file of it compared with the PyTorch network before it is written."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.config import Config
from training.networks.deployed import Deployed, example_inputs, to_onnx, to_program
from training.networks.module import WeaklySupervised
from training.running.model_card import model_card
from wsvs_ros.export import FrameStore, compare, derive
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines.interface import PRECISIONS
from wsvs_ros.perception.labels import LabelSet

_RENDERED = 4  # frames of noise where nobody gave real ones


def export(
    module: WeaklySupervised,
    path: Path,
    *,
    trained_on: Sequence[str],
    metrics: Mapping[str, Any] | None = None,
    precisions: Sequence[str] = ("float32",),
    frames: FrameStore | None = None,
    dynamic_batch: bool = False,
) -> ModelBundle:
    """
    Write the bundle of a trained network and check that all its files give what PyTorch gives.

    :param path: the bundle's directory; an earlier bundle there is replaced.
    :param trained_on: what the model was trained on, for bundle.yaml and the model card.
    :param precisions: of the ONNX files; float32 is always written.
    :param frames: real frames to calibrate and to compare by; noise without, which is enough for float32 only.
    :param dynamic_batch: the ONNX graphs take any number of frames.
    :raises WsvsError: if an exported graph is invalid or its answers differ; nothing is written then.
    """
    config = module.config
    network = module.network.eval().to(memory_format=torch.contiguous_format)
    deployed = Deployed(network).eval()
    settings: dict[str, Any] = {
        "name": config.name,
        "labels": LabelSet.load(config.labels),
        "working_size": config.working_size,
        "window_length": config.window.length,
        "lookahead": config.window.lookahead,
        "flow": config.flow.settings(),
        "trained_on": trained_on,
        "metrics": metrics or {},
    }
    content = to_onnx(deployed, config, dynamic_batch=dynamic_batch)
    program = to_program(deployed, config)

    @torch.no_grad()
    def reference(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        return deployed(torch.from_numpy(image)[None], torch.from_numpy(flow)[None])[0].numpy()

    own_frames = frames is None
    frames = _noise(config) if frames is None else frames
    try:
        with tempfile.TemporaryDirectory() as folder:
            trial = ModelBundle.write(Path(folder) / "bundle", content, **settings)
            wanted = [precision for precision in PRECISIONS if precision in ("float32", *precisions)]
            variants, parity = derive(trial, wanted, frames, reference)
        loaded = torch.export.load(io.BytesIO(program)).module()

        @torch.no_grad()
        def run_program(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
            return loaded(torch.from_numpy(image)[None], torch.from_numpy(flow)[None])[0].numpy()

        labels = settings["labels"]
        parity["program"] = compare("program", run_program, reference, frames, config.working_size, labels)
    finally:
        if own_frames:
            frames.close()
            parity = {}  # noise tells nothing of real frames
    card = model_card(config, trained_on, metrics or {})
    variants["program"] = program
    return ModelBundle.write(path, content, readme=card, variants=variants, parity=parity, **settings)


def _noise(config: Config) -> FrameStore:
    """A few frames of noise, every other one without motion."""
    frames = FrameStore()
    for seed in range(_RENDERED):
        image, flow = example_inputs(config, seed=seed)
        frames.add(image[0].numpy(), flow[0].numpy() * (seed % 2))
    return frames
