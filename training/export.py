"""Export a checkpoint as a model bundle: ``python -m training.export runs/NAME -o DIR``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from training.config import Config, load_config
from training.model_card import model_card
from training.module import WeaklySupervised, load_checkpoint
from training.network import TwoStreamNet
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import FlowSettings, ModelBundle
from wsvs_ros.perception.engines import create_engine
from wsvs_ros.perception.labels import LabelSet

OPSET = 18
_TOLERANCE = 1e-3  # largest accepted difference of a probability between ONNX Runtime and PyTorch


class Deployed(nn.Module):
    """The network as the car runs it: bytes in, probabilities out."""

    def __init__(self, network: TwoStreamNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """(1, 3, H, W) uint8 RGB and (1, 2L, H, W) float32 -> (1, N, h, w) float32 softmax probabilities."""
        return self.network(image.float(), flow).softmax(1)


def export(
    module: WeaklySupervised, path: Path, *, trained_on: Sequence[str], metrics: Mapping[str, Any] | None = None
) -> ModelBundle:
    """
    Write the bundle of a trained network and check that ONNX Runtime gives what PyTorch gives.

    :param path: the bundle's directory; an earlier bundle there is replaced.
    :param trained_on: what the model was trained on, for bundle.yaml and the model card.
    :raises WsvsError: if the exported graph is invalid or its answers differ; nothing is written then.
    """
    config = module.config
    network = Deployed(module.network.eval().to(memory_format=torch.contiguous_format)).eval()
    content = to_onnx(network, config)
    settings: dict[str, Any] = {
        "name": config.name,
        "labels": LabelSet.load(config.labels),
        "working_size": config.working_size,
        "window_length": config.window.length,
        "lookahead": config.window.lookahead,
        "flow": FlowSettings(config.flow.algorithm, config.flow.preset),
        "trained_on": trained_on,
        "metrics": metrics or {},
    }
    with tempfile.TemporaryDirectory() as folder:
        bundle = ModelBundle.write(Path(folder) / "bundle", content, **settings)
        difference = _difference(network, bundle, config)
    if not difference <= _TOLERANCE:
        raise WsvsError(
            f"the exported graph differs from the PyTorch network by {difference:.2g}, at most {_TOLERANCE:g} is "
            "accepted; nothing was written"
        )
    return ModelBundle.write(path, content, readme=model_card(config, trained_on, metrics or {}), **settings)


def to_onnx(network: Deployed, config: Config) -> bytes:
    """The checked ONNX graph at the working size, batch 1."""
    program = torch.onnx.export(
        network,
        _inputs(config, seed=0),
        input_names=["image", "flow"],
        output_names=["scores"],
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    graph = program.model_proto
    # what the exporter notes beside the nodes (source lines of this machine) is of no use in a car
    for item in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info, *graph.graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString()


def _inputs(config: Config, *, seed: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    width, height = config.working_size
    image = rng.integers(0, 256, (1, 3, height, width), dtype=np.uint8)
    flow = rng.normal(0, 4, (1, 2 * config.window.length, height, width)).astype(np.float32)
    return torch.from_numpy(image), torch.from_numpy(flow)


@torch.no_grad()
def _difference(network: Deployed, bundle: ModelBundle, config: Config) -> float:
    """Largest difference of a probability over a few inputs, with and without motion."""
    engine = create_engine(bundle, "onnxruntime")
    largest = 0.0
    for seed in range(4):
        image, flow = _inputs(config, seed=seed)
        if seed % 2:
            flow = torch.zeros_like(flow)
        found = engine.infer(image[0].numpy(), flow[0].numpy())
        largest = max(largest, float(np.abs(found - network(image, flow)[0].numpy()).max()))
    engine.close()
    return largest


def _read_metrics(path: Path | None, measured_on: str) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        keep = ("miou", "class_accuracy", "global_accuracy", "per_class")
        return {"measured_on": measured_on, **{key: found[key] for key in keep}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WsvsError(f"{path}: not the JSON of `wsvs evaluate` ({error!r})") from error


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("work", type=Path, help="work directory of training.fit")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the bundle's directory")
    parser.add_argument("--checkpoint", type=Path, help="default: WORK/checkpoints/last.ckpt")
    parser.add_argument("--metrics", type=Path, help="JSON of `wsvs evaluate` for the model card")
    parser.add_argument("--measured-on", default="", help="what the metrics were measured on, for the model card")
    args = parser.parse_args(argv)
    try:
        config = load_config(args.work / "config.yaml")
        module = load_checkpoint(config, args.checkpoint or args.work / "checkpoints" / "last.ckpt")
        metrics = _read_metrics(args.metrics, args.measured_on)
        bundle = export(module, args.output, trained_on=config.data.sources, metrics=metrics)
    except WsvsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    size = bundle.model_path.stat().st_size / 1e6
    print(f"{bundle.path}: {bundle.name}, {size:.1f} MB, agrees with PyTorch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
