"""What moves by itself in a shot, from flow and colours alone (MC 3.2, after Papazoglou and Ferrari 2013).

Motion boundaries enclose the objects that move unlike their surroundings; what they enclose, carried along the flow,
says roughly where the objects are; colour mixtures and a graph cut through all frames at once say where they end.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from training.config.cues import MotionSegmentation
from training.cues.motion.colour_mixture import ColourMixtures, fit_mixtures
from training.cues.motion.graph_cut import Edges, contrast_weights, grid_edges, min_cut, potts_energy
from training.cues.motion.location import object_location

_LEARNT_FROM = 40_000  # cells that the colour mixtures are fitted to


@dataclass(frozen=True)
class MotionSegments:
    """
    :param masks: (T, h, w) bool, the cells that move by themselves.
    :param energies: of the labelling after each cut; never rising.
    """

    masks: np.ndarray
    energies: tuple[float, ...]


def segment_shot(
    frames: np.ndarray,
    forward: np.ndarray,
    backward: np.ndarray,
    settings: MotionSegmentation,
) -> MotionSegments:
    """
    Segment a shot into what moves by itself and what does not.

    :param frames: (T, H, W, 3) uint8, at least two.
    :param forward: (T - 1, 2, H, W) float32 flow from each frame to the next, on the earlier frame's pixels.
    :param backward: (T - 1, 2, H, W) float32 flow from each frame's successor back, on the successor's pixels.
    :param settings: of which `flow` and what says which frames are learnt from are of no account here.
    :raises ValueError: if the shapes do not fit.
    """
    count, height, width = frames.shape[:3]
    if count < 2 or forward.shape != (count - 1, 2, height, width) or backward.shape != forward.shape:
        raise ValueError(f"shot of {frames.shape} with flow of {forward.shape} and {backward.shape}")
    location = object_location(forward, backward, memory=settings.memory)
    size = (-(-width // settings.cell), -(-height // settings.cell))
    colours = np.stack([_reduce(frame, size) for frame in frames]).astype(np.float32)
    prior = torch.from_numpy(np.stack([_reduce(plane, size) for plane in location])).clamp(0.05, 0.95).flatten()
    fields = [np.stack([_reduce(plane, size) for plane in field]) / settings.cell for field in forward]
    labels, energies = _cut(colours, prior, _edges(colours, fields, settings), settings)
    return MotionSegments(labels.reshape(colours.shape[:3]).astype(bool), tuple(energies))


def _reduce(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _edges(colours: np.ndarray, fields: list[np.ndarray], settings: MotionSegmentation) -> Edges:
    """Neighbours in a frame, and each cell with the one that the flow takes it to."""
    count, height, width = colours.shape[:3]
    nodes = np.arange(count * height * width).reshape(count, height, width)
    y, x = np.mgrid[:height, :width]
    before, behind = [], []
    for t, (u, v) in enumerate(fields):
        row, column = np.rint(y + v).astype(int), np.rint(x + u).astype(int)
        seen = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        before.append(nodes[t][seen])
        behind.append(nodes[t + 1][row[seen], column[seen]])
    first, second = np.concatenate(before), np.concatenate(behind)
    flat = colours.reshape(-1, 3)
    within = grid_edges(colours, smoothness=settings.smoothness)
    along = contrast_weights(flat, first, second, smoothness=settings.steadiness)
    return Edges(
        np.concatenate([within.first, first]),
        np.concatenate([within.second, second]),
        np.concatenate([within.weight, along]),
    )


def _cut(
    colours: np.ndarray, prior: Tensor, edges: Edges, settings: MotionSegmentation
) -> tuple[np.ndarray, list[float]]:
    """Cut, fit the colours to what is found, cut again; stop where a fit would raise the energy."""
    cells = torch.from_numpy(colours).view(-1, 3)
    chosen = torch.linspace(0, len(cells) - 1, min(len(cells), _LEARNT_FROM)).long()
    share = torch.stack([1 - prior, prior])
    location = -share.log().double().numpy()
    mixtures: ColourMixtures | None = None
    labels, energies = (prior > 0.5).long().numpy(), []
    weight = share
    for _ in range(settings.rounds):
        mixtures = fit_mixtures(cells[chosen][None], weight[:, chosen], components=settings.components, start=mixtures)
        unaries = location - mixtures.log_likelihood(cells[None]).numpy()
        if energies and potts_energy(labels, unaries, edges) > energies[-1]:
            break
        labels = min_cut(unaries, edges)
        energies.append(potts_energy(labels, unaries, edges))
        # colours alone would let the mask creep over whatever looks alike: the location keeps its say
        found = torch.from_numpy(labels)
        weight = share * torch.stack([1 - found, found])
    return labels, energies
