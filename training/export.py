"""
Export a checkpoint as a model bundle.

The network is written as ONNX in float32, float16 and int8 and as a torch.export program. Every file is run on real
frames of the training data (or of --frames) and compared with the PyTorch network; how well it agrees is written into
bundle.yaml, and nothing is written if a file is out of bounds.
"""

from __future__ import annotations

import argparse
import io
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
from torch.nn import functional as F

from training.config import Config, load_config
from training.networks.module import WeaklySupervised, load_checkpoint
from training.networks.two_stream import TwoStreamNet
from training.running.command_line import run_command
from training.running.model_card import model_card
from training.running.stages import load_samples
from wsvs_ros.errors import WsvsError
from wsvs_ros.export import FrameStore, compare, derive, describe_files, frames_of_drive
from wsvs_ros.perception.bundle import FlowSettings, ModelBundle
from wsvs_ros.perception.engines.interface import PRECISIONS
from wsvs_ros.perception.labels import LabelSet

OPSET = 18
_FRAMES = 48  # real frames to calibrate and to compare by
_RENDERED = 4  # frames of noise where nobody gave real ones


class Deployed(nn.Module):
    """
    The network as the car runs it: bytes in, probabilities out.

    :param network: its scores are at a stride of the working size.
    :param maps: width and height of the label map that it shall make as well; None for the scores alone.
    """

    def __init__(self, network: TwoStreamNet, maps: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.network = network
        self.maps = maps

    def forward(self, image: Tensor, flow: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """
        (B, 3, H, W) uint8 RGB and (B, 2L, H, W) float32 -> (B, N, h, w) float32 softmax probabilities.

        With maps also (B, H, W) uint8 labels and (B, H, W) float32 confidence.
        """
        scores = self.network(image.float(), flow).softmax(1)
        if self.maps is None:
            return scores
        enlarged = F.interpolate(scores, size=self.maps[::-1], mode="bilinear", align_corners=False)
        # by way of float, because TensorRT casts no other type to uint8
        return scores, enlarged.argmax(1).float().to(torch.uint8), enlarged.amax(1)


def export(
    module: WeaklySupervised,
    path: Path,
    *,
    trained_on: Sequence[str],
    metrics: Mapping[str, Any] | None = None,
    precisions: Sequence[str] = ("float32",),
    frames: FrameStore | None = None,
    maps: bool = False,
    dynamic_batch: bool = False,
) -> ModelBundle:
    """
    Write the bundle of a trained network and check that all its files give what PyTorch gives.

    :param path: the bundle's directory; an earlier bundle there is replaced.
    :param trained_on: what the model was trained on, for bundle.yaml and the model card.
    :param precisions: of the ONNX files; float32 is always written.
    :param frames: real frames to calibrate and to compare by; noise without, which is enough for float32 only.
    :param maps: the graphs also make the label map and its confidence at the working size.
    :param dynamic_batch: the ONNX graphs take any number of frames.
    :raises WsvsError: if an exported graph is invalid or its answers differ; nothing is written then.
    """
    config = module.config
    network = module.network.eval().to(memory_format=torch.contiguous_format)
    plain = Deployed(network).eval()
    deployed = Deployed(network, config.working_size if maps else None).eval()
    settings: dict[str, Any] = {
        "name": config.name,
        "labels": LabelSet.load(config.labels),
        "working_size": config.working_size,
        "window_length": config.window.length,
        "lookahead": config.window.lookahead,
        "flow": FlowSettings(config.flow.algorithm, config.flow.preset),
        "outputs": ("scores", "labels", "confidence") if maps else ("scores",),
        "trained_on": trained_on,
        "metrics": metrics or {},
    }
    content = to_onnx(deployed, config, dynamic_batch=dynamic_batch)
    program = to_program(deployed, config)

    @torch.no_grad()
    def reference(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
        return plain(torch.from_numpy(image)[None], torch.from_numpy(flow)[None])[0].numpy()

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
            found = loaded(torch.from_numpy(image)[None], torch.from_numpy(flow)[None])
            return (found[0] if maps else found)[0].numpy()

        parity["program"] = compare("program", run_program, reference, frames, config.working_size)
    finally:
        if own_frames:
            frames.close()
            parity = {}  # noise tells nothing of real frames
    card = model_card(config, trained_on, metrics or {})
    variants["program"] = program
    return ModelBundle.write(path, content, readme=card, variants=variants, parity=parity, **settings)


def to_onnx(network: Deployed, config: Config, *, dynamic_batch: bool = False) -> bytes:
    """The checked ONNX graph at the working size, of one frame or of any number of them."""
    batch = {0: torch.export.Dim("batch")}
    graph = torch.onnx.export(
        network,
        _inputs(config, batch=2 if dynamic_batch else 1),
        input_names=["image", "flow"],
        output_names=["scores", "labels", "confidence"] if network.maps else ["scores"],
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
    program = torch.export.export(network, _inputs(config))
    program.example_inputs = None  # they would be the larger part of the file
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def _inputs(config: Config, *, seed: int = 0, batch: int = 1) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    width, height = config.working_size
    image = rng.integers(0, 256, (batch, 3, height, width), dtype=np.uint8)
    flow = rng.normal(0, 4, (batch, 2 * config.window.length, height, width)).astype(np.float32)
    return torch.from_numpy(image), torch.from_numpy(flow)


def _noise(config: Config) -> FrameStore:
    """A few frames of noise, every other one without motion."""
    frames = FrameStore()
    for seed in range(_RENDERED):
        image, flow = _inputs(config, seed=seed)
        frames.add(image[0].numpy(), flow[0].numpy() * (seed % 2))
    return frames


def _training_frames(config: Config, work: Path) -> FrameStore:
    """Frames of the training data with their flow, evenly spread, those with motion and those without alike."""
    samples = load_samples(config, work)
    moving = [sample for sample in samples if sample.load_flow is not None]
    still = [sample for sample in samples if sample.load_flow is None]
    width, height = config.working_size
    frames = FrameStore()
    for group in (moving, still):
        share = _FRAMES // 2 if moving and still else _FRAMES
        for index in np.linspace(0, len(group) - 1, min(share, len(group))).round().astype(int):
            load_flow = group[index].load_flow
            empty = np.zeros((2 * config.window.length, height, width), np.float32)
            image = np.ascontiguousarray(group[index].load_image().transpose(2, 0, 1))
            frames.add(image, empty if load_flow is None else load_flow())
    return frames


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
    parser.add_argument(
        "--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS, help="precisions to write (default: all)"
    )
    parser.add_argument(
        "--frames", metavar="DRIVE", help="drive to calibrate and to compare by (default: the training data)"
    )
    parser.add_argument(
        "--maps", action="store_true", help="let the graphs make label map and confidence at the working size too"
    )
    parser.add_argument(
        "--dynamic-batch", action="store_true", help="graphs of any number of frames, for batches of your own"
    )
    parser.add_argument("--metrics", type=Path, help="JSON of `wsvs evaluate` for the model card")
    parser.add_argument("--measured-on", default="", help="what the metrics were measured on, for the model card")
    args = parser.parse_args(argv)

    def job() -> str:
        config = load_config(args.work / "config.yaml")
        module = load_checkpoint(config, args.checkpoint or args.work / "checkpoints" / "last.ckpt")
        metrics = _read_metrics(args.metrics, args.measured_on)
        with _frames(args, config, module) as frames:
            bundle = export(
                module,
                args.output,
                trained_on=config.data.sources,
                metrics=metrics,
                precisions=args.precision,
                frames=frames,
                maps=args.maps,
                dynamic_batch=args.dynamic_batch,
            )
        return describe_files(bundle)

    return run_command(job)


def _frames(args: argparse.Namespace, config: Config, module: WeaklySupervised) -> FrameStore:
    if args.frames is None:
        return _training_frames(config, args.work)
    with tempfile.TemporaryDirectory() as folder:
        return frames_of_drive(export(module, Path(folder) / "bundle", trained_on=()), args.frames, _FRAMES)


if __name__ == "__main__":
    sys.exit(main())
