"""The variational refinement of `..variational`: constraints once a level, then a launch a fixed point."""

from __future__ import annotations

import triton
import triton.language as tl

from wsvs_ros.perception.flow.kernels import SIZES
from wsvs_ros.perception.flow.kernels.sampling import bicubic, pixel


@triton.jit
def stencil(near_before, near_after, far_before, far_after):
    """Derivative by the five-point stencil."""
    return (8 * (near_after - near_before) - (far_after - far_before)) / 12


@triton.jit
def along_x(image, y, x, height, width, mask):
    return stencil(
        pixel(image, y, x - 1, height, width, mask),
        pixel(image, y, x + 1, height, width, mask),
        pixel(image, y, x - 2, height, width, mask),
        pixel(image, y, x + 2, height, width, mask),
    )


@triton.jit
def along_y(image, y, x, height, width, mask):
    return stencil(
        pixel(image, y - 1, x, height, width, mask),
        pixel(image, y + 1, x, height, width, mask),
        pixel(image, y - 2, x, height, width, mask),
        pixel(image, y + 2, x, height, width, mask),
    )


@triton.jit(do_not_specialize=SIZES)
def warp(images, flow, warped, batch, height, width, BLOCK: tl.constexpr):
    """
    The later images as the earlier ones see them: their mean with the earlier, and the change.

    :param images: (2B, height, width), the level's.
    :param flow: (B, 2, height, width).
    :param warped: (B, 2, height, width) to write: mean, then change.
    """
    pair = tl.program_id(1)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    plane = height * width
    mask = place < plane
    y, x = place // width, place % width
    field = flow + pair * 2 * plane + place
    u = tl.load(field, mask=mask, other=0.0)
    v = tl.load(field + plane, mask=mask, other=0.0)
    later = images + (batch + pair) * plane
    there = bicubic(later, y.to(tl.float32) + v, x.to(tl.float32) + u, height, width, mask)
    here = tl.load(images + pair * plane + place, mask=mask, other=0.0)
    result = warped + pair * 2 * plane + place
    tl.store(result, 0.5 * (here + there), mask=mask)
    tl.store(result + plane, there - here, mask=mask)


@triton.jit(do_not_specialize=SIZES)
def differentiate(warped, slopes, height, width, BLOCK: tl.constexpr):
    """
    First derivatives.

    :param warped: (B, 2, height, width), as `warp` leaves it.
    :param slopes: (B, 4, height, width) to write: of the mean along x and y, of the change along x and y.
    """
    pair = tl.program_id(1)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    plane = height * width
    mask = place < plane
    y, x = place // width, place % width
    mean = warped + pair * 2 * plane
    result = slopes + pair * 4 * plane + place
    tl.store(result, along_x(mean, y, x, height, width, mask), mask=mask)
    tl.store(result + plane, along_y(mean, y, x, height, width, mask), mask=mask)
    tl.store(result + 2 * plane, along_x(mean + plane, y, x, height, width, mask), mask=mask)
    tl.store(result + 3 * plane, along_y(mean + plane, y, x, height, width, mask), mask=mask)


@triton.jit(do_not_specialize=SIZES)
def constrain(warped, slopes, constraints, height, width, squared_zeta, BLOCK: tl.constexpr):
    """
    The constancies of gray value and gradient, linearised and normalised: each is x du + y dv + z.

    :param warped: (B, 2, height, width), as `warp` leaves it.
    :param slopes: (B, 4, height, width), as `differentiate` leaves it.
    :param constraints: (B, 9, height, width) to write: x, y, z of the gray value, of its slope along x, and along y.
    """
    pair = tl.program_id(1)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    plane = height * width
    mask = place < plane
    y, x = place // width, place % width
    first = slopes + pair * 4 * plane
    gx = tl.load(first + place, mask=mask, other=0.0)
    gy = tl.load(first + plane + place, mask=mask, other=0.0)
    z = tl.load(warped + pair * 2 * plane + plane + place, mask=mask, other=0.0)
    zx = tl.load(first + 2 * plane + place, mask=mask, other=0.0)
    zy = tl.load(first + 3 * plane + place, mask=mask, other=0.0)
    xx = along_x(first, y, x, height, width, mask)
    xy = along_y(first, y, x, height, width, mask)
    yy = along_y(first + plane, y, x, height, width, mask)
    result = constraints + pair * 9 * plane + place
    scale = 1 / tl.sqrt(gx * gx + gy * gy + squared_zeta)
    tl.store(result, gx * scale, mask=mask)
    tl.store(result + plane, gy * scale, mask=mask)
    tl.store(result + 2 * plane, z * scale, mask=mask)
    scale = 1 / tl.sqrt(xx * xx + xy * xy + squared_zeta)
    tl.store(result + 3 * plane, xx * scale, mask=mask)
    tl.store(result + 4 * plane, xy * scale, mask=mask)
    tl.store(result + 5 * plane, zx * scale, mask=mask)
    scale = 1 / tl.sqrt(xy * xy + yy * yy + squared_zeta)
    tl.store(result + 6 * plane, xy * scale, mask=mask)
    tl.store(result + 7 * plane, yy * scale, mask=mask)
    tl.store(result + 8 * plane, zy * scale, mask=mask)


@triton.jit(do_not_specialize=SIZES)
def fixed_point(
    constraints, start, flow, result, height, width,
    smoothness, brightness, gradient, squared_epsilon, relaxation,
    SWEEPS: tl.constexpr, TILE: tl.constexpr, HALO: tl.constexpr,
):  # fmt: skip
    """
    Robust weights around a flow, and red-black SOR sweeps of the linear system that they make.

    A program keeps a tile in its registers, sweeps all of it, and writes what is HALO away from its edges: a half
    sweep carries what is wrong at the edge one pixel inwards. So tiles overlap, and need nothing of each other.

    :param constraints: (B, 9, height, width), as `constrain` leaves them.
    :param start: (B, 2, height, width), where they were linearised.
    :param flow: (B, 2, height, width), where the last fixed point ended.
    :param result: (B, 2, height, width) to write, another one.
    :param HALO: at least 2 SWEEPS + 2.
    """
    pair = tl.program_id(1)
    CORE: tl.constexpr = TILE - 2 * HALO
    tiles = (width + CORE - 1) // CORE
    first_y = (tl.program_id(0) // tiles) * CORE - HALO
    first_x = (tl.program_id(0) % tiles) * CORE - HALO
    index = tl.arange(0, TILE)
    y, x = (first_y + index)[:, None], (first_x + index)[None, :]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    place = y * width + x
    plane = height * width

    u = tl.load(flow + pair * 2 * plane + place, mask=inside, other=0.0)
    v = tl.load(flow + pair * 2 * plane + plane + place, mask=inside, other=0.0)
    start_u = tl.load(start + pair * 2 * plane + place, mask=inside, other=0.0)
    start_v = tl.load(start + pair * 2 * plane + plane + place, mask=inside, other=0.0)
    uu, uv, vv, right_u, right_v = data_term(
        constraints + pair * 9 * plane + place, plane, u - start_u, v - start_v, inside,
        brightness, gradient, squared_epsilon,
    )  # fmt: skip
    right_u += uu * start_u + uv * start_v
    right_v += uv * start_u + vv * start_v

    before, after = tl.maximum(index - 1, 0), tl.minimum(index + 1, TILE - 1)
    # 0 * place makes them as large as the tile
    left, right = before[None, :] + 0 * place, after[None, :] + 0 * place
    above, below = before[:, None] + 0 * place, after[:, None] + 0 * place
    to_right, to_below = inside & (x < width - 1), inside & (y < height - 1)
    from_left, from_above = inside & (x > 0), inside & (y > 0)
    step_x_u = tl.where(to_right, tl.gather(u, right, 1) - u, 0.0)
    step_x_v = tl.where(to_right, tl.gather(v, right, 1) - v, 0.0)
    step_y_u = tl.where(to_below, tl.gather(u, below, 0) - u, 0.0)
    step_y_v = tl.where(to_below, tl.gather(v, below, 0) - v, 0.0)
    variation = step_x_u * step_x_u + step_x_v * step_x_v + step_y_u * step_y_u + step_y_v * step_y_v
    here = 0.5 * smoothness / tl.sqrt(variation + squared_epsilon)
    weight_left = tl.where(from_left, here + tl.gather(here, left, 1), 0.0)
    weight_right = tl.where(to_right, here + tl.gather(here, right, 1), 0.0)
    weight_above = tl.where(from_above, here + tl.gather(here, above, 0), 0.0)
    weight_below = tl.where(to_below, here + tl.gather(here, below, 0), 0.0)

    # of the matrix plus the weights; a pixel alone has no neighbours, hence the small number
    weights = weight_left + weight_right + weight_above + weight_below + 1e-6
    uu, vv = uu + weights, vv + weights
    determinant = uu * vv - uv * uv
    inverse_uu, inverse_uv, inverse_vv = vv / determinant, -uv / determinant, uu / determinant
    colour = (y + x) & 1
    for half in range(2 * SWEEPS):
        sum_u = right_u + weight_left * tl.gather(u, left, 1) + weight_right * tl.gather(u, right, 1)
        sum_u += weight_above * tl.gather(u, above, 0) + weight_below * tl.gather(u, below, 0)
        sum_v = right_v + weight_left * tl.gather(v, left, 1) + weight_right * tl.gather(v, right, 1)
        sum_v += weight_above * tl.gather(v, above, 0) + weight_below * tl.gather(v, below, 0)
        turn = colour == (half & 1)
        solved_u = inverse_uu * sum_u + inverse_uv * sum_v
        solved_v = inverse_uv * sum_u + inverse_vv * sum_v
        u = tl.where(turn, u + relaxation * (solved_u - u), u)
        v = tl.where(turn, v + relaxation * (solved_v - v), v)

    core = inside & ((index >= HALO) & (index < TILE - HALO))[:, None]
    core = core & ((index >= HALO) & (index < TILE - HALO))[None, :]
    tl.store(result + pair * 2 * plane + place, u, mask=core)
    tl.store(result + pair * 2 * plane + plane + place, v, mask=core)


@triton.jit
def data_term(constraints, plane, du, dv, mask, brightness, gradient, squared_epsilon):
    """The symmetric 2x2 matrix (uu, uv, vv) and the right side of each pixel, for the step from the linearisation."""
    x = tl.load(constraints, mask=mask, other=0.0)
    y = tl.load(constraints + plane, mask=mask, other=0.0)
    z = tl.load(constraints + 2 * plane, mask=mask, other=0.0)
    residual = z + x * du + y * dv
    weight = brightness / tl.sqrt(residual * residual + squared_epsilon)
    uu, uv, vv = weight * x * x, weight * x * y, weight * y * y
    right_u, right_v = -weight * x * z, -weight * y * z
    a = tl.load(constraints + 3 * plane, mask=mask, other=0.0)
    b = tl.load(constraints + 4 * plane, mask=mask, other=0.0)
    c = tl.load(constraints + 5 * plane, mask=mask, other=0.0)
    d = tl.load(constraints + 6 * plane, mask=mask, other=0.0)
    e = tl.load(constraints + 7 * plane, mask=mask, other=0.0)
    f = tl.load(constraints + 8 * plane, mask=mask, other=0.0)
    first, second = c + a * du + b * dv, f + d * du + e * dv
    weight = gradient / tl.sqrt(first * first + second * second + squared_epsilon)
    uu, uv, vv = uu + weight * (a * a + d * d), uv + weight * (a * b + d * e), vv + weight * (b * b + e * e)
    right_u -= weight * (a * c + d * f)
    right_v -= weight * (b * c + e * f)
    return uu, uv, vv, right_u, right_v
