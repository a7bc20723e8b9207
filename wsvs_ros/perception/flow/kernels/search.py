"""Where the patches of the earlier image are in the later one: spreading of vectors and descent, a launch a round."""

from __future__ import annotations

import triton
import triton.language as tl

from wsvs_ros.perception.flow.kernels import SIZES
from wsvs_ros.perception.flow.kernels.sampling import bilinear, enlarged, pixel

# Side of a patch and its number of pixels, see `presets.PATCH`
SIDE = tl.constexpr(8)
PIXELS = tl.constexpr(64)


@triton.jit
def misfit(residual):
    """Variance of each patch's residual: squared differences, brightness apart."""
    mean = tl.sum(residual, 1) / PIXELS
    apart = residual - mean[:, None]
    return tl.sum(apart * apart, 1) / PIXELS


@triton.jit
def difference(later, template, y, x, u, v, height, width, mask):
    """(BLOCK, 64): the later image where the vectors lead minus the patches."""
    at_y = y.to(tl.float32) + v[:, None]
    at_x = x.to(tl.float32) + u[:, None]
    return bilinear(later, at_y, at_x, height, width, mask) - template


@triton.jit
def consider(later, template, y, x, height, width, mask, u, v, least, best_u, best_v, cost):
    """Take a candidate where it fits better than `least`."""
    found = misfit(difference(later, template, y, x, u, v, height, width, mask))
    take = found < least
    return (
        tl.minimum(found, least),
        tl.where(take, u, best_u),
        tl.where(take, v, best_v),
        tl.where(take, found, cost),
    )


@triton.jit
def gauss_newton(earlier, later, template, y, x, u, v, cost, height, width, mask, damping):
    """A whole step with the patch's own gradients and Hessian, where it fits better; see `dis.py`."""
    a, b, c = (
        pixel(earlier, y - 1, x - 1, height, width, mask),
        pixel(earlier, y - 1, x, height, width, mask),
        pixel(earlier, y - 1, x + 1, height, width, mask),
    )
    d, e = pixel(earlier, y, x - 1, height, width, mask), pixel(earlier, y, x + 1, height, width, mask)
    f, g, h = (
        pixel(earlier, y + 1, x - 1, height, width, mask),
        pixel(earlier, y + 1, x, height, width, mask),
        pixel(earlier, y + 1, x + 1, height, width, mask),
    )
    slope_x = (c - a + 2 * (e - d) + h - f) / 8
    slope_y = (f - a + 2 * (g - b) + h - c) / 8
    slope_x -= (tl.sum(slope_x, 1) / PIXELS)[:, None]
    slope_y -= (tl.sum(slope_y, 1) / PIXELS)[:, None]
    xx = tl.sum(slope_x * slope_x, 1) + damping
    yy = tl.sum(slope_y * slope_y, 1) + damping
    xy = tl.sum(slope_x * slope_y, 1)
    residual = difference(later, template, y, x, u, v, height, width, mask)
    right_x, right_y = tl.sum(slope_x * residual, 1), tl.sum(slope_y * residual, 1)
    determinant = xx * yy - xy * xy
    change_x = (yy * right_x - xy * right_y) / determinant
    change_y = (xx * right_y - xy * right_x) / determinant
    new_u, new_v = u - change_x, v - change_y
    found = misfit(difference(later, template, y, x, new_u, new_v, height, width, mask))
    take = (found < cost) & (change_x * change_x + change_y * change_y <= SIDE * SIDE)
    return tl.where(take, new_u, u), tl.where(take, new_v, v), tl.where(take, found, cost)


@triton.jit(do_not_specialize=SIZES)
def begin(
    images, flow, guess, vectors, batch, height, width, coarse_height, coarse_width, guess_height, guess_width,
    rows, columns, damping,
    STRIDE: tl.constexpr, HAS_FLOW: tl.constexpr, HAS_GUESS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """
    Vectors of a level from those of the coarser one, or from a guess where that fits better, and a first step.

    :param images: (2B, height, width), the level's.
    :param flow: (B, 2, coarse_height, coarse_width), or anything if not HAS_FLOW.
    :param guess: (B, 2, guess_height, guess_width), or anything if not HAS_GUESS.
    :param vectors: (B, 3, rows * columns) to write: u, v and the misfit of each patch.
    """
    pair = tl.program_id(1)
    patch = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    valid = patch < rows * columns
    top, left = (patch // columns) * STRIDE, (patch % columns) * STRIDE
    inside = tl.arange(0, PIXELS)
    y, x = top[:, None] + (inside // SIDE)[None, :], left[:, None] + (inside % SIDE)[None, :]
    mask = valid[:, None] & (inside < PIXELS)[None, :]
    earlier, later = images + pair * height * width, images + (batch + pair) * height * width
    template = pixel(earlier, y, x, height, width, mask)
    # a patch at the end may have its centre beyond the image
    centre_y, centre_x = tl.minimum(top + SIDE // 2, height - 1), tl.minimum(left + SIDE // 2, width - 1)
    u, v = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    if HAS_FLOW:
        plane = coarse_height * coarse_width
        field = flow + pair * 2 * plane
        u = enlarged(field, centre_y, centre_x, height, width, coarse_height, coarse_width, valid)
        v = enlarged(field + plane, centre_y, centre_x, height, width, coarse_height, coarse_width, valid)
        u, v = u * (width / coarse_width), v * (height / coarse_height)
    cost = misfit(difference(later, template, y, x, u, v, height, width, mask))
    if HAS_GUESS:
        plane = guess_height * guess_width
        field = guess + pair * 2 * plane
        other_u = enlarged(field, centre_y, centre_x, height, width, guess_height, guess_width, valid)
        other_v = enlarged(field + plane, centre_y, centre_x, height, width, guess_height, guess_width, valid)
        other_u, other_v = other_u * (width / guess_width), other_v * (height / guess_height)
        _, u, v, cost = consider(
            later, template, y, x, height, width, mask, other_u, other_v, cost, u, v, cost
        )  # fmt: skip
    u, v, cost = gauss_newton(earlier, later, template, y, x, u, v, cost, height, width, mask, damping)
    count = rows * columns
    result = vectors + pair * 3 * count + patch
    tl.store(result, u, mask=valid)
    tl.store(result + count, v, mask=valid)
    tl.store(result + 2 * count, cost, mask=valid)


@triton.jit(do_not_specialize=SIZES)
def spread(
    images, vectors, result, batch, height, width, rows, columns, hop, damping, better,
    STRIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """
    Each patch tries the vectors of the patches `hop` to the left, right, above and below, and then makes a step.

    :param images: (2B, height, width), the level's.
    :param vectors: (B, 3, rows * columns), as `begin` or the last launch left them.
    :param result: (B, 3, rows * columns) to write, another one.
    :param better: share of its own misfit that a neighbour's vector must stay below.
    """
    pair = tl.program_id(1)
    patch = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    count = rows * columns
    valid = patch < count
    row, column = patch // columns, patch % columns
    inside = tl.arange(0, PIXELS)
    y = (row * STRIDE)[:, None] + (inside // SIDE)[None, :]
    x = (column * STRIDE)[:, None] + (inside % SIDE)[None, :]
    mask = valid[:, None] & (inside < PIXELS)[None, :]
    earlier, later = images + pair * height * width, images + (batch + pair) * height * width
    template = pixel(earlier, y, x, height, width, mask)
    known = vectors + pair * 3 * count
    u = tl.load(known + patch, mask=valid, other=0.0)
    v = tl.load(known + count + patch, mask=valid, other=0.0)
    cost = tl.load(known + 2 * count + patch, mask=valid, other=0.0)
    least = better * cost
    for side in range(4):
        way = tl.where(side % 2 == 0, -hop, hop)
        from_row = tl.where(side >= 2, row + way, row)
        from_column = tl.where(side >= 2, column, column + way)
        other_u = pixel(known, from_row, from_column, rows, columns, valid)
        other_v = pixel(known + count, from_row, from_column, rows, columns, valid)
        least, u, v, cost = consider(
            later, template, y, x, height, width, mask, other_u, other_v, least, u, v, cost
        )  # fmt: skip
    u, v, cost = gauss_newton(earlier, later, template, y, x, u, v, cost, height, width, mask, damping)
    place = result + pair * 3 * count + patch
    tl.store(place, u, mask=valid)
    tl.store(place + count, v, mask=valid)
    tl.store(place + 2 * count, cost, mask=valid)


@triton.jit(do_not_specialize=SIZES)
def densify(
    images, vectors, flow, batch, height, width, rows, columns,
    STRIDE: tl.constexpr, OVERLAP: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """
    The mean of the vectors of all patches over a pixel, by how well each fits there and as a whole.

    :param images: (2B, height, width), the level's.
    :param vectors: (B, 3, rows * columns).
    :param flow: (B, 2, height, width) to write.
    :param OVERLAP: patches along each side that may lie over a pixel.
    """
    pair = tl.program_id(1)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = place < height * width
    y, x = place // width, place % width
    earlier, later = images + pair * height * width, images + (batch + pair) * height * width
    here = pixel(earlier, y, x, height, width, mask)
    count = rows * columns
    known = vectors + pair * 3 * count
    last_row, last_column = tl.minimum(y // STRIDE, rows - 1), tl.minimum(x // STRIDE, columns - 1)
    total_u, total_v = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for i in range(OVERLAP):
        row = last_row - i
        for j in range(OVERLAP):
            column = last_column - j
            covers = (row >= 0) & (column >= 0) & (y - row * STRIDE < SIDE) & (x - column * STRIDE < SIDE) & mask
            u = pixel(known, row, column, rows, columns, covers)
            v = pixel(known + count, row, column, rows, columns, covers)
            cost = pixel(known + 2 * count, row, column, rows, columns, covers)
            there = bilinear(later, y.to(tl.float32) + v, x.to(tl.float32) + u, height, width, covers)
            weight = 1 / (tl.maximum(tl.abs(there - here), 1.0) * tl.maximum(cost, 1.0))
            weight = tl.where(covers, weight, 0.0)
            total_u += weight * u
            total_v += weight * v
            total += weight
    total = tl.where(mask, total, 1.0)
    result = flow + pair * 2 * height * width + place
    tl.store(result, total_u / total, mask=mask)
    tl.store(result + height * width, total_v / total, mask=mask)
