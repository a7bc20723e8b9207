"""Label prediction: motion segments and the network's own answer agree on labels to learn from (MC 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.config.cues import EmAdapt, Motion
from training.cues.em_adapt.labels import em_adapt_labels
from training.cues.motion.colour_mixture import ColourMixtures, fit_mixtures
from training.cues.motion.graph_cut import Edges, alpha_expansion, grid_edges, min_cut, potts_energy
from training.networks.marks import BACKGROUND, FOREGROUND, NONE
from wsvs_ros.errors import WsvsError

_FIT, _REFIT = 5, 2  # iterations, cold and from a warm start


@dataclass(frozen=True)
class Prediction:
    """
    :param labels: (B, h, w) int64 class ids, or :data:`training.networks.marks.NONE`.
    :param energies: (R, B) float64, MC eq. 2 of each frame's labels after each round, never rising; nan where a frame
        has no motion segment. R is 0 for hard labels.
    """

    labels: Tensor
    energies: Tensor


@torch.no_grad()
def predict_labels(
    log_probabilities: Tensor,
    colours: Tensor,
    segments: Tensor,
    tags: Tensor,
    *,
    foreground: Sequence[int],
    shots: Tensor,
    frames: Tensor,
    settings: Motion,
    shares: EmAdapt,
) -> Prediction:
    """
    The labels of a batch: of least energy by MC eq. 2-3, in GrabCut's rounds of cuts and colour models.

    Only an image's tagged classes compete. An object's colours are those of the foreground's mixture, all other
    classes' those of the background's. The mixtures of a frame learn from all frames of its shot in the batch: with d
    of the shot's mean gaps between, their cells count 1 / (1 + d) times as much as its own. Cells without a motion
    segment (NONE) teach no mixture but get a label. A frame without any takes EM-Adapt's (MC 4.4).

    :param log_probabilities: (B, N, h, w) log softmax.
    :param colours: (B, 3, h, w) RGB, 0..255, of the cells.
    :param segments: (B, h, w) int64 marks: FOREGROUND where something moves, BACKGROUND, NONE.
    :param tags: (B, N) bool.
    :param foreground: ids of the classes that are objects.
    :param shots: (B,) int64 number of each frame's shot, -1 for a lone frame.
    :param frames: (B,) int64 its number in the shot.
    :raises WsvsError: if the network's answer is not finite.
    """
    if not bool(torch.isfinite(log_probabilities).all()):
        raise WsvsError("the network's scores are not finite any more: training diverged; lower optimiser.lr")
    labels = em_adapt_labels(log_probabilities, tags, foreground, shares)
    known = (segments != NONE).flatten(1).any(1) & tags.any(1)
    if settings.hard:
        hard = _hard_labels(log_probabilities, segments, tags, foreground)
        return Prediction(torch.where(known[:, None, None], hard, labels), labels.new_zeros((0, len(labels))).double())
    rounds = _Rounds(log_probabilities, colours, segments, tags, foreground, _nearness(shots, frames), settings)
    energies = [rounds.cut()]
    while len(energies) < settings.rounds and rounds.refit():
        energies.append(rounds.cut())
    for index in torch.nonzero(known)[:, 0].tolist():
        labels[index] = torch.from_numpy(rounds.labels[index]).view_as(labels[index])
    return Prediction(labels, torch.from_numpy(np.stack(energies)))


class _Rounds:
    """What the rounds over one batch share. Cells are flat: M = h * w."""

    def __init__(
        self,
        log_probabilities: Tensor,
        colours: Tensor,
        segments: Tensor,
        tags: Tensor,
        foreground: Sequence[int],
        nearness: Tensor,
        settings: Motion,
    ) -> None:
        self._settings, self._nearness = settings, nearness
        self._seen = -settings.alpha * log_probabilities.flatten(2).double().cpu().numpy()
        self._colours = colours.flatten(2).transpose(1, 2)
        self._segments = segments.flatten(1)
        self._classes = [np.flatnonzero(row) for row in tags.cpu().numpy()]
        self._is_object = np.zeros(tags.shape[1], np.int64)
        self._is_object[list(foreground)] = 1
        self._frames = torch.nonzero((self._segments != NONE).any(1) & tags.any(1))[:, 0].tolist()
        self._edges = {index: _edges(colours[index], segments[index], settings) for index in self._frames}
        self.labels: dict[int, np.ndarray] = {}
        moving = self._segments == FOREGROUND
        self._mixtures = [self._fit(side) for side in (~moving, moving)]
        self._surprise = torch.stack([-each.log_likelihood(self._colours) for each in self._mixtures])

    def cut(self) -> np.ndarray:
        """Find the labels of least energy with the mixtures as they are; (B,) energies."""
        energies = np.full(len(self._segments), np.nan)
        surprise = self._surprise.cpu().numpy()  # of the background, of the foreground
        for index in self._frames:
            classes, edges = self._classes[index], self._edges[index]
            unaries = surprise[self._is_object[classes], index] + self._seen[index, classes]
            start = unaries.argmin(0)
            if index in self.labels:
                start = np.searchsorted(classes, self.labels[index])
            places = min_cut(unaries, edges) if len(classes) == 2 else alpha_expansion(unaries, edges, start)
            self.labels[index] = classes[places]
            energies[index] = potts_energy(places, unaries, edges)
        return energies

    def refit(self) -> bool:
        """
        Fit the mixtures to the labels; a frame's mixture that would raise the energy of its labels stays what it was.

        :return: whether any has changed.
        """
        moving = torch.zeros_like(self._segments, dtype=torch.bool)
        for index, labels in self.labels.items():
            moving[index] = torch.from_numpy(self._is_object[labels] == 1)
        changed = False
        for number, side in enumerate((~moving, moving)):
            fitted = self._fit(side, self._mixtures[number])
            surprise = -fitted.log_likelihood(self._colours)
            better = ((surprise - self._surprise[number]) * side).sum(1) < 0
            self._mixtures[number] = fitted.where(better, self._mixtures[number])
            self._surprise[number] = torch.where(better[:, None], surprise, self._surprise[number])
            changed |= bool(better.any())
        return changed

    def _fit(self, side: Tensor, start: ColourMixtures | None = None) -> ColourMixtures:
        """The mixture of each frame, from the cells of one side, (B, M) bool, of all frames."""
        side = side & (self._segments != NONE)
        return fit_mixtures(
            self._colours[side][None],
            self._nearness[:, torch.nonzero(side)[:, 0]],
            components=self._settings.components,
            iterations=_FIT if start is None else _REFIT,
            start=start,
        )


def _nearness(shots: Tensor, frames: Tensor) -> Tensor:
    """(B, B) float64: how much the cells of one frame count for the mixtures of another."""
    same = (shots[:, None] == shots) & (shots >= 0) | torch.eye(len(shots), dtype=torch.bool, device=shots.device)
    apart = (frames[:, None] - frames).abs().double() * same
    first = torch.where(same, frames, frames.max()).amin(1)
    last = torch.where(same, frames, frames.min()).amax(1)
    gap = (last - first) / (same.sum(1) - 1).clamp(min=1)
    return same / (1 + apart / gap.clamp(min=1)[:, None])


def _edges(colours: Tensor, segments: Tensor, settings: Motion) -> Edges:
    """MC eq. 3: within the band around a motion segment's boundary, labels change for free."""
    edges = grid_edges(
        colours.permute(1, 2, 0).double().cpu().numpy(), smoothness=settings.smoothness, gamma=settings.gamma
    )
    sides = torch.stack([segments == FOREGROUND, segments == BACKGROUND]).float()
    reach = 2 * settings.boundary + 1
    near = F.max_pool2d(sides[None], reach, stride=1, padding=settings.boundary)[0] > 0
    band = near.all(0).flatten().cpu().numpy()
    return Edges(edges.first, edges.second, edges.weight * ~(band[edges.first] & band[edges.second]))


def _hard_labels(log_probabilities: Tensor, segments: Tensor, tags: Tensor, foreground: Sequence[int]) -> Tensor:
    """x = s: what moves is the tagged object, or of several the one that the network finds likeliest in the cell."""
    is_object = torch.zeros_like(tags)
    is_object[:, list(foreground)] = True
    labels = torch.full_like(segments, NONE)
    for mark, candidates in ((FOREGROUND, tags & is_object), (BACKGROUND, tags & ~is_object)):
        likeliest = log_probabilities.masked_fill(~candidates[:, :, None, None], -torch.inf).argmax(1)
        chosen = (segments == mark) & candidates.any(1)[:, None, None]
        labels = torch.where(chosen, likeliest, labels)
    return labels
