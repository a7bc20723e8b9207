"""Chooses where the segmenter computes."""

from __future__ import annotations

import logging
from dataclasses import replace

from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.bundle import ModelBundle
from wsvs_ros.perception.compute.interface import Compute
from wsvs_ros.perception.crf import CrfSettings
from wsvs_ros.perception.cuda.devices import parse_device, torch_device
from wsvs_ros.perception.engines import (
    DeviceEngine,
    Engine,
    EngineError,
    EngineOptions,
    first_that_serves,
    prove,
    takes_tensors,
)

_LOG = logging.getLogger(__name__)


def create_compute(
    bundle: ModelBundle, options: EngineOptions, *, motion: bool, crf: CrfSettings | None, device: str
) -> Compute:
    """
    Build what computes a camera's frames, and prove that it does.

    There are three ways. With an engine on a GPU the window, the CRF and the label map are there too, and the flow on
    the GPU (`device` is `cuda`) or on the host, which sends one field a frame (`cpu`); `auto` measures both once. A way
    that fails is passed over with a warning. With another engine, or if both ways fail, all but the engine is on the
    host, flow and CRF on `device`.

    :param options: which engine; on which GPU is said by `device`, if that has a number.
    :param device: `auto`, `cpu`, `cuda` or `cuda:<number>`.
    :raises EngineError: if no engine can run the bundle so, or the device needs a package that is not there.
    :raises CrfError: if a CRF is wanted and not available here.
    :raises FlowError: if the bundle's flow is not available on the device.
    :raises DeviceError: if there is no such device.
    """
    options = replace(options, motion=motion)
    if device != "auto":
        kind, number = parse_device(device)
        if kind == "cuda":
            try:
                torch_device(device)  # is there one?
            except ImportError as error:
                raise EngineError(f"device {device} needs torch: {error}; pip install torch, or use cpu") from None
            options = replace(options, gpu=options.gpu if number is None else number)
            device = f"cuda:{options.gpu}"

    def use(engine: Engine) -> Compute:
        if takes_tensors(engine):
            compute = _on_gpu(bundle, engine, motion=motion, crf=crf, device=device)
            if compute is not None:
                return compute
        from wsvs_ros.perception.compute.host import OnHost

        return OnHost(
            bundle, prove(engine, bundle), motion=motion, crf=crf, device="cpu" if device == "auto" else device
        )

    compute = first_that_serves(bundle, options, use)
    _LOG.info("computing: %s", compute.way)
    return compute


def _on_gpu(
    bundle: ModelBundle, engine: DeviceEngine, *, motion: bool, crf: CrfSettings | None, device: str
) -> Compute | None:
    """The way that is wanted, or the other one if that fails; None if both do, or there is no torch."""
    try:
        from wsvs_ros.perception.compute.device import OnDevice
        from wsvs_ros.perception.compute.device_motion import DeviceMotion
        from wsvs_ros.perception.compute.uploaded_motion import UploadedMotion
    except (ImportError, OSError) as error:  # OSError: a library that torch needs is missing
        _LOG.warning("%s takes the whole window at each frame: torch cannot be loaded (%s)", engine.name, error)
        return None
    from wsvs_ros.perception.compute.measure import faster

    sources: list[type[DeviceMotion] | type[UploadedMotion]] = [DeviceMotion, UploadedMotion]
    if device == "cpu" or not motion:
        sources.reverse()
    built: list[Compute] = []
    for source in sources:
        try:
            built.append(OnDevice(bundle, engine, source(bundle, motion=motion, device=str(engine.device)), crf=crf))
        except Exception as error:  # of CUDA, torch or a compiler: whatever it is, the other way may do
            ours = isinstance(error, WsvsError)
            _LOG.warning("%s with %s: %r", source.__name__, engine.name, error, exc_info=not ours)
        if built and (device != "auto" or not motion):
            break
    return faster(built, bundle) if len(built) > 1 else next(iter(built), None)
