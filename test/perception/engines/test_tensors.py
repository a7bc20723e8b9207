"""Tensors as TensorRT takes them by their address."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
import torch
from support import make_tiny_bundle

from wsvs_ros.perception.engines import EngineError
from wsvs_ros.perception.engines.tensors import ALIGNMENT, AlignedInputs, aligned_empty, check_tensors
from wsvs_ros.perception.window import FlowWindow

CPU = torch.device("cpu")


def aligned_zeros(shape: tuple[int, ...]) -> torch.Tensor:
    """As CUDA's allocator gives memory."""
    return aligned_empty(shape, torch.float32, CPU).zero_()


@pytest.mark.parametrize("size", [(480, 360), (500, 375), (1242, 375), (511, 289), (1, 1)])
def test_every_window_of_the_ring_lies_where_tensorrt_takes_it(size: tuple[int, int]) -> None:
    width, height = size
    window = FlowWindow(3, size, aligned_zeros)
    aligned = AlignedInputs()
    moved = 0
    for number in range(8):
        window.push(torch.full((2, height, width), float(number)))
        stack = window.stack()[None]
        found = aligned("flow", stack)
        assert found.data_ptr() % ALIGNMENT == 0
        assert found.is_contiguous()
        torch.testing.assert_close(found, stack, rtol=0, atol=0)
        moved += found is not stack
    assert (moved > 0) == (width * height % 32 != 0), "a stack is copied only where it has to be"


def test_what_lies_right_is_not_copied() -> None:
    tensor = aligned_zeros((1, 20, 36, 48))
    assert AlignedInputs()("flow", tensor) is tensor


def test_memory_of_any_type_is_aligned() -> None:
    for dtype in (torch.uint8, torch.float32):
        found = aligned_empty((1, 3, 5, 7), dtype, CPU)
        assert (found.dtype, tuple(found.shape)) == (dtype, (1, 3, 5, 7))
        assert found.data_ptr() % ALIGNMENT == 0


def test_tensors_of_another_gpu_are_refused(tmp_path) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    # without a GPU there are no tensors on two of them; those on the CPU are not on either
    image, flow = (torch.zeros(bundle.input_shapes[name]) for name in ("image", "flow"))
    image = image.to(torch.uint8)
    check_tensors(bundle, image, flow, CPU)
    with pytest.raises(EngineError, match=r"image: got .* on cpu, expected .* on cuda:1"):
        check_tensors(bundle, image, flow, torch.device("cuda:1"))
    other = [torch.empty_like(tensor, device="meta") for tensor in (image, flow)]
    with pytest.raises(EngineError, match="on meta, expected .* on meta:1"):
        check_tensors(bundle, *other, torch.device("meta:1"))
