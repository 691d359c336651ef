"""The game seen from above, for points in the plane: reals, fakes, and what D thinks of every place."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn.functional import interpolate

from sparring.data import Data
from sparring.errors import UserError, writing
from sparring.loop import State, evaluating

SIDE, CELLS, POINTS = 420, 70, 600
"""Pixels a side; places a side at which D is asked; points of either kind."""

MAX_FRAMES = 120
"""Frames at most: when there are more, every other one is dropped."""

LEVELS = 61
"""Shades from where D sees fakes to where it sees reals."""

REAL, FAKE, TEXT = LEVELS, LEVELS + 1, LEVELS + 2
"""Colours behind the shades in the palette."""


def _palette() -> list[int]:
    leaning = np.linspace(-1, 1, LEVELS)[:, None]
    refused, taken, white = np.array([235, 160, 130]), np.array([125, 175, 235]), np.array([255, 255, 255])
    shades = white + np.maximum(leaning, 0) * (taken - white) + np.maximum(-leaning, 0) * (refused - white)
    return [*shades.round().astype(int).flatten().tolist(), *(70, 70, 70), *(200, 30, 10), *(40, 40, 40)]


class Field:
    """Frames of a game under way.

    Args:
        state: the game; it is looked at, and left as it is.
        data: its reals, two-dimensional.

    Raises:
        UserError: other data than points in the plane.
    """

    def __init__(self, state: State, data: Data) -> None:
        kind = data.schema[state.game.makes]
        if kind.shape != (2,) or state.game.given:
            raise UserError(
                "a field is drawn of points in the plane only", "train ring, grid, gaussian or an (N, 2) array"
            )
        self._state = state
        self._real = kind.to_model(data.held_out(POINTS)[state.game.makes])
        low, high = self._real.min(0).values, self._real.max(0).values
        self._center, self._reach = (low + high) / 2, 0.65 * (high - low).max().clamp(min=1e-6)
        self._noise = state.game.noise(POINTS, torch.Generator().manual_seed(0), None)
        self._every, self._seen = 1, 0
        self.frames: list[Image.Image] = []

    def draw(self, caption: str) -> None:
        """Add a frame, or pass over it when there are many."""
        if self._seen % self._every == 0:
            self.frames.append(self._frame(caption))
            if len(self.frames) > MAX_FRAMES:
                self.frames, self._every = self.frames[::2], 2 * self._every
        self._seen += 1

    def save(self, out: Path, milliseconds: int = 100) -> None:
        """Write the frames as an animation that holds its last picture for a while.

        Raises:
            UserError: the disk is full, or `out` cannot be written.
        """
        durations = [milliseconds] * (len(self.frames) - 1) + [3000]
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            first, *others = self.frames
            first.save(out, "GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=False)

    def _frame(self, caption: str) -> Image.Image:
        networks = self._state.game.networks
        device = next(next(iter(networks)).parameters()).device
        with evaluating(networks):
            # what D sees at this moment, not the average that samples are drawn from
            fake = self._state.game.sample(networks, self._noise.to(device), {}).cpu()
            scores = (
                self._state.game.critic(networks, {self._state.game.makes: self._places().to(device)}).flatten().cpu()
            )
            known = (
                self._state.game.critic(networks, {self._state.game.makes: torch.cat([self._real, fake]).to(device)})
                .flatten()
                .cpu()
            )
        sheet = self._shades(scores, known, len(self._real))
        for points, color in ((self._real, REAL), (fake, FAKE)):
            _dot(sheet, self._pixels(points), color)
        picture = Image.fromarray(sheet)
        picture.putpalette(_palette())
        ImageDraw.Draw(picture).text((8, 6), caption, fill=TEXT, font=ImageFont.load_default(14))
        return picture

    def _places(self) -> torch.Tensor:
        steps = torch.linspace(-1, 1, CELLS) * self._reach
        across, up = torch.meshgrid(steps, -steps, indexing="xy")
        return torch.stack([across, up], -1).reshape(-1, 2) + self._center

    def _shades(self, scores: torch.Tensor, known: torch.Tensor, reals: int) -> np.ndarray:
        """uint8 `(SIDE, SIDE)`; the middle one is where D scores halfway between its reals and its fakes."""
        middle = (known[:reals].median() + known[reals:].median()) / 2
        width = (known - middle).abs().quantile(0.9).clamp(min=1e-6)
        leaning = torch.tanh((scores - middle) / width).nan_to_num().reshape(1, 1, CELLS, CELLS)
        fine = interpolate(leaning, (SIDE, SIDE), mode="bilinear", align_corners=True)[0, 0]
        return ((fine + 1) / 2 * (LEVELS - 1)).round().byte().numpy()

    def _pixels(self, points: torch.Tensor) -> np.ndarray:
        place = ((points - self._center) / self._reach).nan_to_num(9.0).clamp(-9, 9).numpy()
        return ((place * [1, -1] + 1) / 2 * (SIDE - 1)).round().astype(int)


def _dot(sheet: np.ndarray, pixels: np.ndarray, color: int) -> None:
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = pixels[:, 0] + dx, pixels[:, 1] + dy
        inside = (x >= 0) & (x < sheet.shape[1]) & (y >= 0) & (y < sheet.shape[0])
        sheet[y[inside], x[inside]] = color
