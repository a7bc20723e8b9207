"""Images of the next pyramid level, and flow at a larger size."""

from __future__ import annotations

import triton
import triton.language as tl

from wsvs_ros.perception.flow.kernels import SIZES
from wsvs_ros.perception.flow.kernels.sampling import enlarged, pixel


@triton.jit(do_not_specialize=SIZES)
def shrink(source, result, height, width, small_height, small_width, TAPS: tl.constexpr, BLOCK: tl.constexpr):
    """
    Average images over the areas of larger pixels; a pixel on an edge counts for its share.

    :param source: (N, height, width).
    :param result: (N, small_height, small_width).
    :param TAPS: pixels along each side that an area may touch.
    """
    image = tl.program_id(1)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < small_height * small_width
    y, x = place // small_width, place % small_width
    tall, wide = height / small_height, width / small_width
    top, left = y.to(tl.float32) * tall, x.to(tl.float32) * wide
    first_row, first_column = tl.floor(top), tl.floor(left)
    total = tl.zeros([BLOCK], tl.float32)
    for i in range(TAPS):
        row = first_row + i
        share_y = tl.maximum(tl.minimum(top + tall, row + 1) - tl.maximum(top, row), 0.0)
        for j in range(TAPS):
            column = first_column + j
            share_x = tl.maximum(tl.minimum(left + wide, column + 1) - tl.maximum(left, column), 0.0)
            value = pixel(source + image * height * width, row.to(tl.int32), column.to(tl.int32), height, width, mask)
            total += share_y * share_x * value
    tl.store(result + image * small_height * small_width + place, total / (tall * wide), mask=mask)


@triton.jit(do_not_specialize=SIZES)
def enlarge(field, result, height, width, coarse_height, coarse_width, BLOCK: tl.constexpr):
    """
    A field at a larger size; the vectors grow with the image.

    :param field: (B, 2, coarse_height, coarse_width).
    :param result: (B, 2, height, width).
    """
    plane = tl.program_id(1)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < height * width
    y, x = place // width, place % width
    coarse = field + plane * coarse_height * coarse_width
    value = enlarged(coarse, y, x, height, width, coarse_height, coarse_width, mask)
    growth = tl.where(plane % 2 == 0, width / coarse_width, height / coarse_height)
    tl.store(result + plane * height * width + place, value * growth, mask=mask)
