from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from wsvs_ros.perception.crf import create_crf
from wsvs_ros.perception.cuda.devices import DeviceError, fingerprint, parse_device, torch_device


def test_the_cpu_is_always_there() -> None:
    assert torch_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["tpu", "cpu:0", "cpu:", "cuda:", "cuda:one", "cuda:-1", "cuda:²", "", "gpu"])
def test_names_of_no_device_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=rf"device '{name}': expected cpu, cuda or cuda:<number>"):
        torch_device(name)


def test_names_are_read_without_torch() -> None:
    assert parse_device("cpu") == ("cpu", None)
    assert parse_device("cuda") == ("cuda", None)
    assert parse_device("cuda:1") == ("cuda", 1)


@dataclass(frozen=True)
class Properties:
    """As torch tells them of a GPU."""

    name: str
    multi_processor_count: int
    total_memory: int
    major: int = 8
    minor: int = 7


def test_gpus_of_one_name_are_told_apart() -> None:
    gib = 1 << 30
    agx, nx = Properties("Orin", 16, 61 * gib + 12345), Properties("Orin", 8, 15 * gib)
    assert fingerprint(agx) == "Orin 8.7, 16 multiprocessors, 61 GiB"
    slices = [Properties("NVIDIA H100 MIG", 16, 10 * gib), Properties("NVIDIA H100 MIG", 16, 20 * gib)]
    assert len({fingerprint(each) for each in (agx, nx, *slices)}) == 4
    # the memory that the system keeps for itself differs from start to start
    assert fingerprint(replace(agx, total_memory=61 * gib - 54321)) == fingerprint(agx)


def test_a_cuda_device_that_is_not_there_is_refused_with_the_remedy() -> None:
    with pytest.raises(DeviceError, match=r"'cuda:99': torch .* finds \d+ CUDA devices here; use cpu"):
        create_crf(device="cuda:99")
