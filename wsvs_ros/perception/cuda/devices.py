"""Where torch computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wsvs_ros.errors import WsvsError

if TYPE_CHECKING:
    import torch


class DeviceError(WsvsError):
    """There is no such device here."""


def parse_device(name: str) -> tuple[str, int | None]:
    """
    Kind and number of a device; torch is not needed to read the name.

    :param name: `cpu`, `cuda` or `cuda:<number>`.
    :return: `cpu` or `cuda`, and the number, None where the name has none.
    :raises DeviceError: if the name is another one.
    """
    kind, colon, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (colon and not (kind == "cuda" and number.isascii() and number.isdecimal())):
        raise DeviceError(f"device {name!r}: expected cpu, cuda or cuda:<number>")
    return kind, int(number) if colon else None


def fingerprint(properties: Any) -> str:
    """
    What tells one GPU from another for which an engine was built.

    Name and compute capability are the same for an Orin AGX and an NX, and for slices of one GPU: multiprocessors and
    memory are not.

    :param properties: as `torch.cuda.get_device_properties` gives them.
    """
    return (
        f"{properties.name} {properties.major}.{properties.minor}, {properties.multi_processor_count} multiprocessors, "
        f"{round(properties.total_memory / 2**30)} GiB"
    )


def torch_device(name: str) -> torch.device:
    """
    A device by its name, certain to be there; a CUDA device always with its number, as tensors on it name it.

    :param name: see `parse_device`; `cuda` is the one that torch has as its current one.
    :raises DeviceError: if the name is another one, or there is no such CUDA device.
    """
    import torch

    kind, number = parse_device(name)
    if kind == "cpu":
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (number or 0) >= count:
        raise DeviceError(f"device {name!r}: torch {torch.__version__} finds {count} CUDA devices here; use cpu")
    return torch.device("cuda", torch.cuda.current_device() if number is None else number)
