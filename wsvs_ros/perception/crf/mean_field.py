"""Mean-field inference of the fully-connected CRF (Krähenbühl 2011), in batched torch."""

from __future__ import annotations

import math
import os

import torch
from torch import Tensor
from torch.nn import functional as F

from wsvs_ros.perception.crf.lattice import PermutohedralLattice, is_capturing
from wsvs_ros.perception.crf.settings import CrfError, CrfSettings

_LEAST_PROBABILITY = 1e-5  # unaries are at most -log of it, as pydensecrf has them


class DenseCrf:
    """
    The CRF of a batch of images; its kernels are built once and serve every inference on these images.

    :param images: (B, 3, H, W) colours of 0 to 255, any dtype, any order of the channels.
    :param settings: the kernels and the number of iterations.
    :param regions: (B, H, W) integers, regions whose pixels shall agree (BP eq. 8), negative where there is none;
        or None.
    :raises CrfError: if a shape does not fit, an image has NaN, or a CUDA graph is captured with regions.
    """

    @torch.no_grad()
    def __init__(self, images: Tensor, settings: CrfSettings = CrfSettings(), regions: Tensor | None = None) -> None:
        if images.ndim != 4 or images.shape[1] != 3 or not images.numel():
            raise CrfError(f"CRF: images are {tuple(images.shape)}, expected (B, 3, H, W), none of them 0")
        _check_finite(images, "images")
        batch, _, height, width = images.shape
        self._shape, self._device = (batch, height, width), images.device
        self._settings = settings
        self._smoothness = _Smoothness(height, width, settings, images.device)
        self._appearance = _appearance(images, settings) if settings.bilateral_compat else None
        self._regions = None
        if regions is not None:
            if regions.shape != self._shape or regions.is_floating_point():
                raise CrfError(
                    f"CRF: regions are {tuple(regions.shape)} {regions.dtype}, expected {self._shape} integers"
                )
            self._regions = _Regions(regions, settings.region_max_cost)

    @torch.no_grad()
    def infer(self, probabilities: Tensor) -> Tensor:
        """
        Refine class probabilities; nothing is differentiated through.

        :param probabilities: (B, N, H, W) floating point, 0 to 1.
        :return: (B, N, H, W) float32, in channels-last memory; sums to 1 over the classes.
        :raises CrfError: if shape or device are not those of the images, a probability is NaN, or memory would not do.
        """
        batch, height, width = self._shape
        fits = probabilities.ndim == 4 and probabilities.shape[1] > 0
        if not fits or (len(probabilities), *probabilities.shape[2:]) != self._shape:
            raise CrfError(
                f"CRF: probabilities are {tuple(probabilities.shape)}, expected ({batch}, N, {height}, {width}), "
                "the images' size; resize one of them"
            )
        if probabilities.device != self._device:
            raise CrfError(f"CRF: probabilities are on {probabilities.device}, the images on {self._device}; move one")
        _check_memory(probabilities)
        _check_finite(probabilities, "probabilities")
        probabilities = probabilities.float().contiguous(memory_format=torch.channels_last)
        unaries = probabilities.clamp(_LEAST_PROBABILITY, 1).log_()
        marginals = _softmax_(unaries.clone(memory_format=torch.preserve_format))
        for _ in range(self._settings.iterations):
            logits = self._smoothness.add_message(unaries, marginals)
            if self._appearance is not None:
                _rows(logits).add_(self._appearance.filter(_rows(marginals)), alpha=self._settings.bilateral_compat)
            if self._regions is not None:
                _rows(logits).add_(self._regions.message(_rows(marginals), _rows(unaries)))
            marginals = _softmax_(logits)
        return marginals


def _rows(images: Tensor) -> Tensor:
    """(B, C, H, W) in channels-last memory as (B * H * W, C), a view."""
    return images.permute(0, 2, 3, 1).view(-1, images.shape[1])


def _softmax_(logits: Tensor) -> Tensor:
    """In place, over the classes of channels-last images; on CPUs several times as fast as PyTorch's for rows."""
    rows = _rows(logits)
    rows.sub_(rows.amax(1, keepdim=True)).exp_()
    rows.div_(rows @ rows.new_ones(rows.shape[1], 1))
    return logits


class _Smoothness:
    """The smoothness kernel: a separable Gaussian over the image, cut off at three standard deviations."""

    def __init__(self, height: int, width: int, settings: CrfSettings, device: torch.device) -> None:
        # nothing lies farther away than the image is wide
        self._rows, self._columns = (
            _gaussian(settings.gaussian_sxy, min(side - 1, math.ceil(3 * settings.gaussian_sxy)), device)
            for side in (height, width)
        )
        self._scale = self._blur(torch.ones(1, 1, height, width, device=device)).rsqrt_()
        self._weighted_scale = self._scale * settings.gaussian_compat

    def add_message(self, unaries: Tensor, marginals: Tensor) -> Tensor:
        """The unaries plus the message of the kernel, a new tensor."""
        return torch.addcmul(unaries, self._blur(marginals * self._scale), self._weighted_scale)

    def _blur(self, images: Tensor) -> Tensor:
        channels = images.shape[1]
        rows = self._rows.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
        columns = self._columns.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
        images = F.conv2d(images, columns, padding=(0, columns.shape[3] // 2), groups=channels)
        return F.conv2d(images, rows, padding=(rows.shape[2] // 2, 0), groups=channels)


def _gaussian(deviation: float, radius: int, device: torch.device) -> Tensor:
    return torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=device) / deviation) ** 2)


def _appearance(images: Tensor, settings: CrfSettings) -> PermutohedralLattice:
    batch, _, height, width = images.shape
    y, x = torch.meshgrid(
        torch.arange(height, device=images.device), torch.arange(width, device=images.device), indexing="ij"
    )
    positions = torch.stack([x, y]).expand(batch, -1, -1, -1) / settings.bilateral_sxy
    features = torch.cat([positions, images.float() / settings.bilateral_srgb], 1)
    group = torch.arange(batch, device=images.device).repeat_interleave(height * width)
    lattice = PermutohedralLattice(features.permute(0, 2, 3, 1).reshape(-1, 5), group)
    lattice.normalise()
    return lattice


class _Regions:
    """P^n-Potts potentials over regions (BP eq. 8), as mean-field messages (Vineet 2014)."""

    def __init__(self, regions: Tensor, max_cost: float) -> None:
        flat = regions.flatten(1).long()
        if is_capturing(regions):
            raise CrfError("CRF: regions cannot be captured in a CUDA graph, their number has to be read; call without")
        # one number a region of the whole batch; pixels without a region share the last one, which is left out
        count = max(0, int(flat.max()) + 1)
        ids = flat + count * torch.arange(len(flat), device=flat.device)[:, None]
        self._outside = (flat < 0).flatten()
        self._regions = torch.where(flat < 0, count * len(flat), ids).flatten()
        self._count = count * len(flat) + 1
        self._max_cost = max_cost

    def message(self, marginals: Tensor, unaries: Tensor) -> Tensor:
        """
        What a label gains at a pixel by completing its region: `prod_{j != i} Q_j(l) (max_cost - cost(l))`.

        :param marginals: (P, N) Q.
        :param unaries: (P, N) log of the probabilities P of BP eq. 8.
        :return: (P, N).
        """
        mean = self._sum(unaries.exp()) / self._sum(torch.ones_like(unaries[:, :1])).clamp(min=1)
        gain = (self._max_cost + mean.log()).clamp(min=0)
        log_marginals = marginals.clamp(min=torch.finfo(marginals.dtype).tiny).log_()
        others = self._sum(log_marginals)[self._regions] - log_marginals
        message = others.clamp_(max=0).exp_() * gain[self._regions]
        return message.masked_fill_(self._outside[:, None], 0)

    def _sum(self, values: Tensor) -> Tensor:
        return values.new_zeros(self._count, values.shape[1]).index_add_(0, self._regions, values)


def _check_finite(values: Tensor, name: str) -> None:
    # while a CUDA graph is captured there are no values yet
    if values.is_floating_point() and not is_capturing(values) and not values.isfinite().all():
        raise CrfError(
            f"CRF: {name} have NaN or infinite values; find out where they come from, or leave out the frame"
        )


def _check_memory(probabilities: Tensor) -> None:
    """Refuse at once what could only end in the system killing the process."""
    if is_capturing(probabilities):
        return
    needed = 5 * 4 * probabilities.numel()  # unaries, marginals, logits and two steps between them, in float32
    if probabilities.is_cuda:
        _, there = torch.cuda.mem_get_info(probabilities.device)
    else:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise CrfError(
            f"CRF: probabilities are {tuple(probabilities.shape)}: that takes {needed / 2**30:.1f} GiB of the "
            f"{there / 2**30:.1f} GiB there are; use fewer classes, a smaller batch or a smaller size"
        )
