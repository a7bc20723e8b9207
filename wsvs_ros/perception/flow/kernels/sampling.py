"""Looking images up between pixels; beyond the border they go on as their border."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def pixel(image, y, x, height, width, mask):
    """The pixel at the row and column that are nearest to (y, x) inside the image; 0 where not `mask`."""
    row = tl.minimum(tl.maximum(y, 0), height - 1)
    column = tl.minimum(tl.maximum(x, 0), width - 1)
    return tl.load(image + row * width + column, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def bilinear(image, y, x, height, width, mask):
    """
    Between four pixels.

    :param y: float rows, broadcastable with `x`.
    :param x: float columns.
    """
    # beyond that nothing changes, and an integer could not hold it
    y = tl.minimum(tl.maximum(y, 0.0), height - 1.0)
    x = tl.minimum(tl.maximum(x, 0.0), width - 1.0)
    top, left = tl.floor(y), tl.floor(x)
    down, across = y - top, x - left
    row, column = top.to(tl.int32), left.to(tl.int32)
    above = pixel(image, row, column, height, width, mask) * (1 - across)
    above += pixel(image, row, column + 1, height, width, mask) * across
    below = pixel(image, row + 1, column, height, width, mask) * (1 - across)
    below += pixel(image, row + 1, column + 1, height, width, mask) * across
    return above * (1 - down) + below * down


@triton.jit
def cubic_weight(distance, POWER: tl.constexpr):
    """Weight of a pixel at that distance (Keys 1981, a = -0.75): POWER 0 is up to one pixel, 1 up to two."""
    if POWER == 0:
        return (1.25 * distance - 2.25) * distance * distance + 1
    return ((-0.75 * distance + 3.75) * distance - 6) * distance + 3


@triton.jit
def cubic_row(image, row, column, across, height, width, mask):
    """Between four pixels of a row; `column` is the one on the left, `across` what is beyond it."""
    value = pixel(image, row, column - 1, height, width, mask) * cubic_weight(across + 1, 1)
    value += pixel(image, row, column, height, width, mask) * cubic_weight(across, 0)
    value += pixel(image, row, column + 1, height, width, mask) * cubic_weight(1 - across, 0)
    value += pixel(image, row, column + 2, height, width, mask) * cubic_weight(2 - across, 1)
    return value


@triton.jit
def bicubic(image, y, x, height, width, mask):
    """Between sixteen pixels, as `torch.nn.functional.grid_sample` does with its border padding."""
    # farther out all sixteen are the border's
    y = tl.minimum(tl.maximum(y, -3.0), height + 2.0)
    x = tl.minimum(tl.maximum(x, -3.0), width + 2.0)
    top, left = tl.floor(y), tl.floor(x)
    down, across = y - top, x - left
    row, column = top.to(tl.int32), left.to(tl.int32)
    value = cubic_row(image, row - 1, column, across, height, width, mask) * cubic_weight(down + 1, 1)
    value += cubic_row(image, row, column, across, height, width, mask) * cubic_weight(down, 0)
    value += cubic_row(image, row + 1, column, across, height, width, mask) * cubic_weight(1 - down, 0)
    value += cubic_row(image, row + 2, column, across, height, width, mask) * cubic_weight(2 - down, 1)
    return value


@triton.jit
def enlarged(field, y, x, height, width, coarse_height, coarse_width, mask):
    """
    A component of a coarser field at pixels (y, x) of this level, in units of that level's pixels.

    :param y: int rows of an image of `height`.
    :param x: int columns of an image of `width`.
    """
    from_y = (y.to(tl.float32) + 0.5) * (coarse_height / height) - 0.5
    from_x = (x.to(tl.float32) + 0.5) * (coarse_width / width) - 0.5
    return bilinear(field, from_y, from_x, coarse_height, coarse_width, mask)
