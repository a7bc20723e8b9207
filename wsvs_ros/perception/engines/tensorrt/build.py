"""Builds a TensorRT engine from an ONNX file."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import tensorrt as trt

from wsvs_ros.perception.engines.cache import CacheKey, EngineCache
from wsvs_ros.perception.engines.interface import EngineError

_LOG = logging.getLogger(__name__)
_EVERY = 5.0  # seconds between two lines while building
_MEGABYTE = 1 << 20


class Log(trt.ILogger):
    """Hands TensorRT's messages to `logging`, and keeps the last error for exceptions to tell."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.last = "no reason given"

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        """Take a message; TensorRT calls this, also from its own threads."""
        if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
            self.last = msg
            _LOG.error("TensorRT: %s", msg)
        elif severity == trt.ILogger.Severity.WARNING:
            _LOG.warning("TensorRT: %s", msg)
        else:
            _LOG.debug("TensorRT: %s", msg)


class _Progress(trt.IProgressMonitor):
    """Says every few seconds how far a build is; TensorRT calls it from several threads."""

    def __init__(self) -> None:
        trt.IProgressMonitor.__init__(self)
        self._lock = threading.Lock()
        self._begin = self._said = time.monotonic()
        self._steps: dict[str, int] = {}

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        with self._lock:
            self._steps[phase_name] = num_steps

    def step_complete(self, phase_name: str, step: int) -> bool:
        with self._lock:
            now = time.monotonic()
            if now - self._said >= _EVERY:
                self._said = now
                _LOG.info(
                    "building the TensorRT engine: %s, step %d of %d, %.0f s so far",
                    phase_name,
                    step + 1,
                    self._steps.get(phase_name, 0),
                    now - self._begin,
                )
        return True  # False would cancel the build

    def phase_finish(self, phase_name: str) -> None:
        with self._lock:
            self._steps.pop(phase_name, None)


def build_engine(
    path: Path,
    cache: EngineCache,
    key: CacheKey,
    *,
    log: Log,
    shapes: Mapping[str, tuple[int, ...]],
    workspace_mb: int,
) -> bytes:
    """
    Build a strongly typed engine: every layer computes in the type that the graph gives it.

    :param path: the ONNX file.
    :param cache: where kernel timings of earlier builds are looked up and kept.
    :param key: of the engine.
    :param log: TensorRT's log.
    :param shapes: of the inputs, for graphs with a free batch dimension.
    :param workspace_mb: memory that TensorRT may use meanwhile.
    :return: the serialised engine.
    :raises EngineError: naming the nodes that TensorRT does not take, or its last error.
    """
    _LOG.info("building the TensorRT engine of %s; this takes minutes, once for this GPU", path)
    builder = trt.Builder(log)
    network = _parse(builder, path, log)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mb * _MEGABYTE)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # for the layers' precisions
    if key.precision == "float32":
        config.clear_flag(trt.BuilderFlag.TF32)  # on by default, it keeps 10 of float32's 23 bits
    progress = _Progress()
    config.progress_monitor = progress
    if any(-1 in sides(network.get_input(index).shape) for index in range(network.num_inputs)):
        profile = builder.create_optimization_profile()
        for name, shape in shapes.items():
            profile.set_shape(name, *[trt.Dims(list(shape))] * 3)  # smallest, usual, largest
        config.add_optimization_profile(profile)
    timings = replace(key, runtime="tensorrt-timings", model="any", settings="", precision="any")
    _use_timings(config, cache.load(timings))
    begin = time.monotonic()
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise EngineError(
            f"{path}: TensorRT {trt.__version__} cannot build an engine: {log.last}; if memory is short, set "
            f"workspace_mb (now {workspace_mb}) lower and close what else uses the GPU"
        )
    _keep_timings(config, cache, timings)
    _LOG.info("built the TensorRT engine in %.0f s", time.monotonic() - begin)
    return bytes(engine)


def _use_timings(config: trt.IBuilderConfig, kept: bytes | None) -> None:
    """Look kernel timings up in those of earlier builds; in none if TensorRT refuses them, e.g. of another driver."""
    for content in (kept, b""):
        if content is not None:
            timing_cache = config.create_timing_cache(content)
            if timing_cache is not None and config.set_timing_cache(timing_cache, ignore_mismatch=False):
                return
            _LOG.warning("TensorRT refuses the kept kernel timings; the build takes as long as the first one")


def _keep_timings(config: trt.IBuilderConfig, cache: EngineCache, key: CacheKey) -> None:
    """Keep the timings for the next build; whatever goes wrong here, the engine is built."""
    timing_cache = config.get_timing_cache()
    serialised = None if timing_cache is None else timing_cache.serialize()
    if serialised is None:
        _LOG.warning("TensorRT gives no kernel timings to keep; the next build takes as long as this one")
    else:
        cache.store(key, bytes(serialised))


def _parse(builder: trt.Builder, path: Path, log: Log) -> trt.INetworkDefinition:
    # TensorRT 11 types strongly whatever the flag says
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    if not parser.parse(path.read_bytes()):
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        lines = "; ".join(f"node {e.node_name() or e.node()} ({e.node_operator()}): {e.desc()}" for e in errors)
        raise EngineError(f"{path}: TensorRT {trt.__version__} does not take this graph: {lines or log.last}")
    return network


def sides(shape: trt.Dims) -> list[int]:
    """A tensor's shape; -1 for a free axis."""
    return [shape[axis] for axis in range(len(shape))]
