"""Dense Inverse Search (Kroeger 2016) in Triton: the algorithm of `dis` in a few launches a level, for CUDA."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import triton
from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.flow.dis import BETTER, DAMPING, dis_flow
from wsvs_ros.perception.flow.interface import FlowError
from wsvs_ros.perception.flow.kernels import resizing, search, variational
from wsvs_ros.perception.flow.presets import PATCH, DisPreset, padding, patch_grid, patch_hops, pyramid_sizes
from wsvs_ros.perception.flow.variational import RELAXATION, SQUARED_EPSILON, SQUARED_ZETA, VariationalSettings


@dataclass(frozen=True)
class Blocks:
    """
    How much one program does.

    :param patches: of the search; a power of two.
    :param pixels: of what treats each pixel by itself; a power of two.
    :param tile: side of the refinement's tiles, pixels; a power of two, above 24.
    """

    patches: int = 16
    pixels: int = 256
    tile: int = 64


def triton_dis_flow(
    previous: Tensor,
    current: Tensor,
    initial: Tensor | None = None,
    *,
    preset: DisPreset,
    blocks: Blocks = Blocks(),
) -> Tensor:
    """
    What `dis_flow` computes, with the same arguments; nothing waits for the device, and no shape depends on a value.

    :param previous: (B, 1, H, W) float32 gray, 0 to 255.
    :param current: (B, 1, H, W), as well.
    :param initial: (B, 2, H, W) float32 pixels, one more vector for each patch to try, e.g. the last pair's flow.
    :return: (B, 2, H, W) float32 pixels.
    """
    height, width = previous.shape[2:]
    bottom, right = padding(height, width, preset.finest_scale)
    if bottom or right:  # too small for the pyramid
        edges = (0, right, 0, bottom)
        initial = None if initial is None else F.pad(initial, edges, mode="replicate")
        previous, current = (F.pad(images, edges, mode="replicate") for images in (previous, current))
        return triton_dis_flow(previous, current, initial, preset=preset, blocks=blocks)[:, :, :height, :width]
    initial = None if initial is None else initial.contiguous()
    flow: Tensor | None = None
    # Triton launches on the current device, whatever the tensors' is
    with torch.cuda.device(previous.device) if previous.is_cuda else nullcontext():
        levels = _pyramid(torch.cat([previous, current])[:, 0], preset, blocks)
        for level in reversed(levels):
            flow = _search(levels[level], flow, initial, preset.stride, blocks)
            if preset.refinements:
                flow = _refine(levels[level], flow, VariationalSettings(fixed_points=preset.refinements), blocks)
        assert flow is not None  # there is a level
        return flow if flow.shape[2:] == (height, width) else _enlarged(flow, height, width, blocks)


def check_triton(device: torch.device, preset: DisPreset, blocks: Blocks = Blocks()) -> None:
    """
    Compile the kernels for a device, and compare what they compute with torch's flow there.

    :raises FlowError: if the two differ by more than rounding can explain.
    :raises Exception: whatever Triton raises, if it does not compile.
    """
    height, width = (23 << preset.finest_scale) + 8, (23 << preset.finest_scale) + 24
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.random((1, 1, height // 8, width // 8), np.float32)).to(device)
    pattern = 255 * F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False).clamp(0, 1)
    pair = pattern[..., 2:], pattern[..., :-2]  # moves by two pixels to the right
    guess = pattern.new_ones(1, 2, height, width - 2)
    for initial in (None, guess):
        expected = dis_flow(*pair, initial, preset=preset)
        differs = (triton_dis_flow(*pair, initial, preset=preset, blocks=blocks) - expected).abs().nan_to_num(torch.inf)
        # rounding may turn the choice of single patches
        if float(differs.median()) > 0.01 or float(differs.mean()) > 0.1:
            raise FlowError(
                f"the kernels' flow differs from torch's by {float(differs.mean()):.3f} pixels in the mean, "
                f"{float(differs.median()):.3f} in the median"
            )


def _pyramid(images: Tensor, preset: DisPreset, blocks: Blocks) -> dict[int, Tensor]:
    """Images (2B, h, w) of each level, from the finest."""
    levels = {}
    for level, (rows, columns) in pyramid_sizes(images.shape[1], images.shape[2], preset.finest_scale).items():
        height, width = images.shape[1:]
        if (rows, columns) != (height, width):
            smaller = images.new_empty(len(images), rows, columns)
            taps = 2 + max(height // rows, width // columns)
            resizing.shrink[(triton.cdiv(rows * columns, blocks.pixels), len(images))](
                images, smaller, height, width, rows, columns, TAPS=taps, BLOCK=blocks.pixels
            )
            images = smaller
        levels[level] = images
    return levels


def _search(images: Tensor, coarse: Tensor | None, guess: Tensor | None, stride: int, blocks: Blocks) -> Tensor:
    """One level: find each patch of a regular grid in the later image, average the patches' vectors by fit."""
    batch, (height, width) = len(images) // 2, images.shape[1:]
    rows, columns = patch_grid(height, width, stride)
    grid = (triton.cdiv(rows * columns, blocks.patches), batch)
    # one allocation each, whose addresses are aligned whatever the size
    vectors, others = (images.new_empty(batch, 3, rows * columns) for _ in range(2))
    # what is not there is never read
    field, guessed = images if coarse is None else coarse, images if guess is None else guess
    search.begin[grid](
        images, field, guessed, vectors, batch, height, width, *field.shape[-2:], *guessed.shape[-2:],
        rows, columns, DAMPING,
        STRIDE=stride, HAS_FLOW=coarse is not None, HAS_GUESS=guess is not None, BLOCK=blocks.patches,
    )  # fmt: skip
    for hop in patch_hops(rows, columns, top=coarse is None):
        search.spread[grid](
            images, vectors, others, batch, height, width, rows, columns, hop, DAMPING, BETTER,
            STRIDE=stride, BLOCK=blocks.patches,
        )  # fmt: skip
        vectors, others = others, vectors
    flow = images.new_empty(batch, 2, height, width)
    search.densify[(triton.cdiv(height * width, blocks.pixels), batch)](
        images, vectors, flow, batch, height, width, rows, columns,
        STRIDE=stride, OVERLAP=triton.cdiv(PATCH, stride), BLOCK=blocks.pixels,
    )  # fmt: skip
    return flow


def _refine(images: Tensor, start: Tensor, settings: VariationalSettings, blocks: Blocks) -> Tensor:
    """What `variational.refine` computes."""
    batch, _, height, width = start.shape
    grid, block = (triton.cdiv(height * width, blocks.pixels), batch), blocks.pixels
    warped = images.new_empty(batch, 2, height, width)
    slopes, constraints = images.new_empty(batch, 4, height, width), images.new_empty(batch, 9, height, width)
    variational.warp[grid](images, start, warped, batch, height, width, BLOCK=block)
    variational.differentiate[grid](warped, slopes, height, width, BLOCK=block)
    variational.constrain[grid](warped, slopes, constraints, height, width, SQUARED_ZETA, BLOCK=block)
    halo = 2 * settings.relaxations + 2
    core = blocks.tile - 2 * halo
    flow, results = start, (torch.empty_like(start), torch.empty_like(start))
    for index in range(settings.fixed_points):
        result = results[index % 2]
        variational.fixed_point[(triton.cdiv(height, core) * triton.cdiv(width, core), batch)](
            constraints, start, flow, result, height, width,
            settings.smoothness, settings.brightness, settings.gradient, SQUARED_EPSILON, RELAXATION,
            SWEEPS=settings.relaxations, TILE=blocks.tile, HALO=halo, num_warps=16,
        )  # fmt: skip
        flow = result
    return flow


def _enlarged(flow: Tensor, height: int, width: int, blocks: Blocks) -> Tensor:
    result = flow.new_empty(len(flow), 2, height, width)
    grid = (triton.cdiv(height * width, blocks.pixels), 2 * len(flow))
    resizing.enlarge[grid](flow, result, height, width, *flow.shape[2:], BLOCK=blocks.pixels)
    return result
