"""A drive rendered by the project itself, whose flow and labels are exactly known.

A camera drives along a straight street: a ground plane with road and sidewalks, walls of houses, trees and
fences on both sides, and upright cut-outs (cars that drive, pedestrians, poles, signs) that face the camera.
Each surface is a plane with a fixed texture, so every pixel's motion follows from geometry alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from wsvs_ros.drives.excerpt import Excerpt
from wsvs_ros.drives.synthetic_plane import PlaneView
from wsvs_ros.drives.synthetic_scene import FAR, NEAR, Sprite, ground_texture, make_sky, make_sprites, wall_texture
from wsvs_ros.perception.frames import Frame
from wsvs_ros.perception.labels import LabelSet

_HEIGHT = 1.5  # of the camera above the road, metres
_WALL = 9.0  # distance of the walls from the camera's path, metres
_SPEED = 8.0  # metres per second
_SKY, _GROUND, _WALLS, _SPRITES = 0, 1, 2, 4  # surface ids: sky, ground, left and right wall, then the sprites


@dataclass(frozen=True)
class SyntheticFrame:
    """
    A frame and the truth about it.

    :param labels: (H, W) uint8 camvid11 ids.
    :param flow: (2, H, W) float32, pixels, from the previous frame to this one, on the previous frame's grid;
        zero for the first frame.
    :param valid: (H, W) bool, where the previous frame's pixel is still visible in this one.
    """

    frame: Frame
    labels: np.ndarray
    flow: np.ndarray
    valid: np.ndarray


class SyntheticDrive:
    """
    A rendered street; the same for the same arguments.

    Iterating gives the camera's frames, `truth()` the frames with flow and labels.

    :param size: width, height.
    :param seed: of textures and traffic.
    """

    kind = "synthetic"

    def __init__(
        self,
        size: tuple[int, int] = (480, 360),
        *,
        frames: int = 150,
        seed: int = 0,
        fps: float = 15.0,
        excerpt: Excerpt = Excerpt(),
    ) -> None:
        self.path = Path("synthetic")
        self.size = size
        self.fps: float | None = fps
        self._frames, self._excerpt = frames, excerpt
        self.frame_count: int | None = excerpt.count(frames, fps)
        self._step = _SPEED / fps
        rng = np.random.default_rng(seed)
        self._ground = ground_texture(rng)
        self._walls = [wall_texture(rng), wall_texture(rng)]
        self._sprites = make_sprites(rng)
        self._sky = make_sky(size, rng)

    def truth(self) -> Iterator[SyntheticFrame]:
        """The frames with their labels, flow and visibility."""
        previous: tuple[np.ndarray, list[float]] | None = None
        for index in range(self._frames):
            image, labels, surfaces = self._render(index)
            depths = [sprite.depth(index * self._step, index / self.rate) for sprite in self._sprites]
            height, width = labels.shape
            flow, valid = np.zeros((2, height, width), np.float32), np.zeros((height, width), bool)
            if previous is not None:
                flow = self._flow(*previous, depths)
                valid = _visible(flow, previous[0], surfaces)
                valid &= ~np.isin(previous[0], [_SPRITES + k for k in _begun_anew(previous[1], depths)])
            yield SyntheticFrame(self._frame(index, image), labels, flow, valid)
            previous = surfaces, depths

    def tags(self) -> set[str]:
        """The classes that the drive shows."""
        names = LabelSet.load("camvid11").names
        return {names[k] for item in self.truth() for k in np.unique(item.labels)}

    @property
    def rate(self) -> float:
        """Frames per second."""
        assert self.fps is not None
        return self.fps

    def __iter__(self) -> Iterator[Frame]:
        chosen = (index for index in range(self._frames) if self._excerpt.has(index / self.rate))
        return (self._frame(index, self._render(index)[0]) for index in chosen)

    def _frame(self, index: int, image: np.ndarray) -> Frame:
        return Frame(image, round(index / self.rate * 1e9), "camera", f"{index:06d}")

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> SyntheticDrive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def _focal(self) -> float:
        return 0.9 * self.size[0]

    @property
    def _centre(self) -> tuple[float, float]:
        """The vanishing point."""
        return (self.size[0] - 1) / 2, 0.45 * self.size[1]

    @cached_property
    def _rays(self) -> tuple[np.ndarray, np.ndarray]:
        """Direction of each pixel's ray at depth 1: right and down, (H, W) each."""
        width, height = self.size
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        return (x - self._centre[0]) / self._focal, (y - self._centre[1]) / self._focal

    @cached_property
    def _depths(self) -> tuple[np.ndarray, np.ndarray]:
        """Depth of the ground and of the wall along each pixel's ray, metres; the scene slides, they stay."""
        right, down = self._rays
        with np.errstate(divide="ignore"):
            ground = np.where(down > 0, _HEIGHT / np.maximum(down, 1e-9), np.inf).astype(np.float32)
            wall = (_WALL / np.maximum(np.abs(right), 1e-9)).astype(np.float32)
        return ground, wall

    @cached_property
    def _planes(self) -> list[tuple[PlaneView, int]]:
        """The walls and the ground with their surface ids."""
        right, down = self._rays
        ground, wall = self._depths
        planes = []
        for side, texture in enumerate(self._walls):
            there = (wall < ground) & (wall < FAR) & ((right > 0) == bool(side))
            planes.append((PlaneView(texture, there, wall, _HEIGHT - down * wall), _WALLS + side))
        there = (ground <= wall) & (ground < FAR)
        finite = np.where(there, ground, 0)
        planes.append((PlaneView(self._ground, there, finite, right * finite), _GROUND))
        return planes

    def _render(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image (H, W, 3), labels (H, W) and surface ids (H, W) of a frame."""
        image, labels = self._sky.copy(), np.zeros(self._sky.shape[:2], np.uint8)
        surfaces = np.full(labels.shape, _SKY, np.int16)
        along = index * self._step
        for plane, surface in self._planes:
            plane.paint(along, surface, image, labels, surfaces)
        by_depth = sorted(
            ((sprite.depth(along, index / self.rate), k) for k, sprite in enumerate(self._sprites)), reverse=True
        )
        for depth, k in by_depth:
            self._paint(self._sprites[k], depth, _SPRITES + k, image, labels, surfaces)
        return image, labels, surfaces

    def _foot(self, sprite: Sprite, depth: float) -> tuple[float, float]:
        """Where a sprite stands in the image."""
        return (
            self._centre[0] + self._focal * sprite.across / depth,
            self._centre[1] + self._focal * _HEIGHT / depth,
        )

    def _paint(
        self, sprite: Sprite, depth: float, surface: int, image: np.ndarray, labels: np.ndarray, surfaces: np.ndarray
    ) -> None:
        x, y = self._foot(sprite, depth)
        scale = self._focal / depth * sprite.metres_per_pixel
        height, width = sprite.mask.shape
        left, top = x - scale * (width - 1) / 2, y - scale * (height - 1)
        x0, x1 = (int(np.clip(edge, 0, self.size[0])) for edge in (left - scale, left + scale * width + 1))
        y0, y1 = (int(np.clip(edge, 0, self.size[1])) for edge in (top - scale, y + scale + 1))
        if x0 >= x1 or y0 >= y1:
            return
        box, size = np.s_[y0:y1, x0:x1], (x1 - x0, y1 - y0)
        matrix = np.array([[scale, 0, left - x0], [0, scale, top - y0]])
        mask = cv2.warpAffine(sprite.mask, matrix, size, flags=cv2.INTER_NEAREST)
        picture = cv2.warpAffine(sprite.picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        cv2.copyTo(picture, mask, image[box])
        labels[box][mask > 0] = sprite.label
        surfaces[box][mask > 0] = surface

    def _flow(self, surfaces: np.ndarray, before: list[float], now: list[float]) -> np.ndarray:
        """(2, H, W) motion of the previous frame's pixels: those of a plane move away from the vanishing point."""
        ground, wall = self._depths
        ratio = np.ones(surfaces.shape, np.float32)  # depth before : depth now
        for depth, there in ((ground, surfaces == _GROUND), (wall, (surfaces >= _WALLS) & (surfaces < _SPRITES))):
            ratio[there] = depth[there] / np.maximum(depth[there] - self._step, 1e-3)
        anew = _begun_anew(before, now)
        for k, (old, new) in enumerate(zip(before, now, strict=True)):
            if k not in anew:
                ratio[surfaces == _SPRITES + k] = old / new
        right, down = self._rays
        return np.stack([right, down]) * self._focal * (ratio - 1)


def _begun_anew(before: list[float], now: list[float]) -> set[int]:
    """Sprites that went at one end of the street and came back at the other: no motion of theirs is true."""
    return {k for k, (old, new) in enumerate(zip(before, now, strict=True)) if abs(new - old) > (FAR - NEAR) / 2}


def _visible(flow: np.ndarray, before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Whether each pixel's surface is what is seen where the pixel went."""
    height, width = before.shape
    y, x = np.mgrid[:height, :width]
    to_x, to_y = np.rint(x + flow[0]).astype(int), np.rint(y + flow[1]).astype(int)
    inside = (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
    return inside & (now[to_y.clip(0, height - 1), to_x.clip(0, width - 1)] == before)
