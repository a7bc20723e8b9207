"""Chooses the implementation of the CRF."""

from __future__ import annotations

import importlib.util

from wsvs_ros.perception.crf.interface import Crf
from wsvs_ros.perception.crf.settings import CrfError, CrfSettings

# by name: the package it needs; the first that is installed is `auto`. Their answers agree; torch is the faster one.
_IMPLEMENTATIONS = {"torch": "torch", "pydensecrf": "pydensecrf"}


def create_crf(settings: CrfSettings = CrfSettings(), implementation: str = "auto", device: str = "cpu") -> Crf:
    """
    Build a CRF.

    :param settings: kernels and iterations.
    :param implementation: `torch`, `pydensecrf`, or `auto` for the first of them that is installed.
    :param device: where torch computes: `cpu`, `cuda`.
    :raises CrfError: if there is no such implementation here.
    :raises DeviceError: if there is no such device.
    """
    here = [name for name, package in _IMPLEMENTATIONS.items() if importlib.util.find_spec(package) is not None]
    if implementation == "auto" and here:
        implementation = here[0]
    if implementation not in here:
        raise CrfError(
            f"CRF: implementation {implementation!r}: not available; here are: {', '.join(here) or 'none'}; "
            "pip install torch or pip install 'wsvs_ros[crf]'"
        )
    if implementation == "pydensecrf":
        from wsvs_ros.perception.crf.pydensecrf_crf import PyDenseCrf

        return PyDenseCrf(settings)
    from wsvs_ros.perception.crf.torch_crf import TorchCrf

    return TorchCrf(settings, device)
