from __future__ import annotations

import pytest
import torch

from wsvs_ros.perception.crf import create_crf
from wsvs_ros.perception.cuda.devices import DeviceError, torch_device


def test_the_cpu_is_always_there() -> None:
    assert torch_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["tpu", "cpu:0", "cuda:", "cuda:one", "cuda:-1", "", "gpu"])
def test_names_of_no_device_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=rf"device '{name}': expected cpu, cuda or cuda:<number>|finds \d+ CUDA"):
        torch_device(name)


def test_a_cuda_device_that_is_not_there_is_refused_with_the_remedy() -> None:
    with pytest.raises(DeviceError, match=r"'cuda:99': torch .* finds \d+ CUDA devices here; use cpu"):
        create_crf(device="cuda:99")
