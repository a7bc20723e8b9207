"""Chooses the engine for a bundle."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.engines import onnxruntime, tensorrt, torch
from wsvs_ros.perception.engines.interface import Engine, EngineError, EngineOptions, Runtime, describe

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")

_RUNTIMES: dict[str, Runtime] = {"tensorrt": tensorrt, "onnxruntime": onnxruntime, "torch": torch}
# from the fastest to the slowest; the last one is there to compare with
_ORDER = (
    ("tensorrt", "cuda"),
    ("onnxruntime", "cuda"),
    ("torch", "cuda"),
    ("onnxruntime", "openvino"),
    ("onnxruntime", "cpu"),
    ("torch", "cpu"),
)


@dataclass(frozen=True)
class EngineStatus:
    """
    Whether an engine can run here.

    :param engine: its name.
    :param provider: what it computes on.
    :param reason: why it cannot run, or None if it can.
    """

    engine: str
    provider: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.engine} on {self.provider}: {'yes' if self.reason is None else f'no, {self.reason}'}"


def engine_statuses(bundle: ModelBundle | None = None, options: EngineOptions = EngineOptions()) -> list[EngineStatus]:
    """
    Which engines this machine can run, the fastest first, and why not the others.

    :param bundle: also say which of them this bundle has a network for.
    :param options: leave out what these exclude; the order is that of their providers.
    :raises EngineError: if the options ask for what does not exist.
    """
    pairs = [pair for pair in _ORDER if options.engine in ("auto", pair[0])]
    if options.providers:
        pairs = [pair for provider in options.providers for pair in pairs if pair[1] == provider]
        if not pairs:
            raise EngineError(f"engine {options.engine!r} does not run on {', '.join(options.providers)}")
    return [EngineStatus(*pair, _why_not(*pair, bundle, options)) for pair in pairs]


def available_engines() -> tuple[str, ...]:
    """Names of the engines that this machine can run, the preferred one first."""
    return tuple(dict.fromkeys(status.engine for status in engine_statuses() if status.reason is None))


def create_engine(bundle: ModelBundle, options: EngineOptions = EngineOptions()) -> Engine:
    """
    Load a bundle's network into the first engine that can run it; see `first_that_serves`.

    On anything but the CPU it has to prove it by a frame.
    """
    return first_that_serves(bundle, options, lambda engine: prove(engine, bundle))


def first_that_serves(bundle: ModelBundle, options: EngineOptions, use: Callable[[Engine], _T]) -> _T:
    """
    Load a bundle's network into the first engine that can run it and be used.

    An engine that fails in whatever way is freed, and the next one is tried. What is passed over, and why, is logged.

    :param bundle: the model.
    :param options: which engines come into question, and how they shall run.
    :param use: makes of an engine what is wanted. If it raises an `EngineError` or an error that is none of ours,
        the engine does not serve.
    :raises EngineError: if none serves; the message says why.
    :raises BundleError: if the network is not what the bundle says.
    """
    passed: list[EngineStatus] = []
    for status in engine_statuses(bundle, options):
        if status.reason is None:
            try:
                engine, made = _make(bundle, status, options, use)
            except EngineError as error:
                status = replace(status, reason=str(error))
                _LOG.warning("engine %s", status)
            except WsvsError:
                raise
            except Exception as error:  # of CUDA, TensorRT or torch: whatever it is, another engine may do
                status = replace(status, reason=f"{type(error).__name__}: {error}")
                _LOG.warning("engine %s", status, exc_info=True)
            else:
                for other in passed:
                    _LOG.info("engine %s", other)
                _LOG.info("engine: %s", describe(engine))
                return made
            _free_gpu_memory()
        passed.append(status)
    raise EngineError(f"no engine can run {bundle.name} so:{_in_lines(passed)}")


def _in_lines(passed: list[EngineStatus]) -> str:
    """Each reason once, with all that it holds for; on lines of their own where there are several."""
    reasons: dict[tuple[str, str | None], list[str]] = {}
    for status in passed:
        reasons.setdefault((status.engine, status.reason), []).append(status.provider)
    lines = [str(EngineStatus(engine, ", ".join(on), reason)) for (engine, reason), on in reasons.items()]
    return f" {lines[0]}" if len(lines) == 1 else "".join(f"\n  {line}" for line in lines)


def _make(
    bundle: ModelBundle, status: EngineStatus, options: EngineOptions, use: Callable[[Engine], _T]
) -> tuple[Engine, _T]:
    precision = _precision(bundle, status.engine, status.provider, options.precision)
    runtime = _RUNTIMES[status.engine]
    engine = runtime.create(bundle, provider=status.provider, precision=precision, options=options)
    try:
        return engine, use(engine)
    except BaseException:
        engine.close()
        raise


def prove(engine: Engine, bundle: ModelBundle) -> Engine:
    """
    Run an engine on a black frame, unless it is one on the CPU: those are tested everywhere.

    :return: the engine.
    :raises EngineError: if its scores are no numbers; whatever else it raises shows that it does not serve either.
    """
    if engine.provider != "cpu":
        shapes = bundle.input_shapes
        scores = engine.infer(np.zeros(shapes["image"][1:], np.uint8), np.zeros(shapes["flow"][1:], np.float32))
        if not np.isfinite(scores).all():
            raise EngineError(f"engine {describe(engine)}: the scores of a black frame are no numbers")
    return engine


def _free_gpu_memory() -> None:
    """Give back what an engine that failed had from torch: the next one may allocate by other means."""
    framework = sys.modules.get("torch")
    if framework is not None and framework.cuda.is_initialized():
        gc.collect()
        try:
            framework.cuda.empty_cache()
        except RuntimeError as error:  # of a device that hangs since then; engines on the CPU do not need it
            _LOG.warning("CUDA: %s", error)


def _precision(bundle: ModelBundle, engine: str, provider: str, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    has_half = engine == "torch" or "float16" in bundle.models
    return "float16" if provider == "cuda" and has_half else "float32"


def _why_not(engine: str, provider: str, bundle: ModelBundle | None, options: EngineOptions) -> str | None:
    runtime = _RUNTIMES[engine]
    if bundle is None:
        return runtime.why_not(provider)
    precision = _precision(bundle, engine, provider, options.precision)
    reason = runtime.why_not(provider, precision)
    variant = runtime.variant(provider, precision)
    if reason is None and variant not in bundle.models:
        maker = "python -m training.export" if variant == "program" else "wsvs export"
        reason = f"the bundle has no {variant} network; `{maker}` makes it"
    return reason
