"""Where torch computes."""

from __future__ import annotations

import torch

from wsvs_ros.errors import WsvsError


class DeviceError(WsvsError):
    """There is no such device here."""


def torch_device(name: str) -> torch.device:
    """
    A device by its name, certain to be there.

    :param name: `cpu`, `cuda` or `cuda:<number>`.
    :raises DeviceError: if the name is another one, or there is no such CUDA device.
    """
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise DeviceError(f"device {name!r}: expected cpu, cuda or cuda:<number>")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            raise DeviceError(f"device {name!r}: torch {torch.__version__} finds {count} CUDA devices here; use cpu")
    return torch.device(name)
