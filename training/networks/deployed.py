"""The network as the car runs it, and its files: an ONNX graph and a torch.export program."""

from __future__ import annotations

import io

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from training.config import Config
from training.networks.two_stream import TwoStreamNet

OPSET = 18


class Deployed(nn.Module):
    """
    The network as the car runs it: bytes in, probabilities out.

    :param network: its scores are at a stride of the working size.
    """

    def __init__(self, network: TwoStreamNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 RGB and (B, 2L, H, W) float32 -> (B, N, h, w) float32 softmax probabilities."""
        return self.network(image.float(), flow).softmax(1)


def to_onnx(network: Deployed, config: Config, *, dynamic_batch: bool = False) -> bytes:
    """The checked ONNX graph at the working size, of one frame or of any number of them."""
    batch = {0: torch.export.Dim("batch")}
    graph = torch.onnx.export(
        network,
        example_inputs(config, batch=2 if dynamic_batch else 1),
        input_names=["image", "flow"],
        output_names=["scores"],
        dynamic_shapes={"image": batch, "flow": batch} if dynamic_batch else None,
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    ).model_proto
    # what the exporter notes beside the nodes (source lines of this machine) is of no use in a car
    for item in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info, *graph.graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString()


def to_program(network: Deployed, config: Config) -> bytes:
    """The torch.export program of one frame."""
    program = torch.export.export(network, example_inputs(config))
    program.example_inputs = None  # they would be the larger part of the file
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def example_inputs(config: Config, *, seed: int = 0, batch: int = 1) -> tuple[Tensor, Tensor]:
    """Images and flow of noise, as the deployed network takes them."""
    rng = np.random.default_rng(seed)
    width, height = config.working_size
    image = rng.integers(0, 256, (batch, 3, height, width), dtype=np.uint8)
    flow = rng.normal(0, 4, (batch, 2 * config.window.length, height, width)).astype(np.float32)
    return torch.from_numpy(image), torch.from_numpy(flow)
