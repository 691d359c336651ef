"""Pairs made of plain pictures: a smaller one and the picture, or one with a hole and the picture."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring.data.order import HOLE
from sparring.data.protocol import Data, Rows
from sparring.errors import UserError
from sparring.kinds import Kind, Pictures

Mask = Literal["center", "random"]
T = TypeVar("T")

GREY = 128
"""Of the colours in a hole."""


def reduced(pictures: Tensor, factor: int) -> Tensor:
    """uint8 `(N, C, H, W)` -> `(N, C, H / factor, W / factor)`, by antialiased bicubic resampling of each channel."""
    sides = [side // factor for side in pictures.shape[2:]]
    return interpolate(pictures.contiguous(), sides, mode="bicubic", antialias=True, align_corners=False)


class Reduced:
    """Pairs for super-resolution: "b" is a picture, "a" the same `factor` times smaller; other columns stay.

    Args:
        data: pictures, under "x".
        factor: 2 or more; it divides both sides.

    Raises:
        UserError: no pictures, or sides that cannot be divided.
    """

    paired = on_demand = True

    def __init__(self, data: Data, factor: int) -> None:
        kind = _pictures(data)
        channels, height, width = kind.shape
        if height % factor or width % factor:
            sides = "x".join(str(max(1, side // factor) * factor) for side in (height, width))
            raise UserError(f"pictures of {height}x{width} cannot be reduced {factor} times", f"--size {sides}")
        self._data, self._factor, self.mirror, self.notes = data, factor, data.mirror, data.notes
        small = Pictures((channels, height // factor, width // factor), kind.raw)
        self.schema: dict[str, Kind] = {"a": small, "b": kind, **_but_x(data.schema)}
        self.fingerprint = _fingerprint(data, "reduced", factor)

    def __len__(self) -> int:
        return len(self._data)

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """Pairs of a batch of the data; see `Dataset.batch`."""
        return self._pairs(self._data.batch(draw, size, seed))

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training pairs by their index."""
        return self._pairs(self._data.rows(which))

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out pairs, or all of them."""
        return self._pairs(self._data.held_out(n))

    def _pairs(self, rows: Rows) -> Rows:
        return {"a": reduced(rows["x"], self._factor), "b": rows["x"], **_but_x(rows)}


class Holed:
    """Pairs for inpainting: "b" is a picture, "a" the same with a hole; other columns stay.

    "a" has one more channel, which comes last and is 0 in the hole and 255 elsewhere; the other channels are a mid grey
    in the hole.

    Args:
        data: pictures, under "x".
        mask: "center", a box in the middle; or "random", a box anywhere, whose sides are between half of `share` and
            `share` of the picture's: drawn anew for each example of a batch, from its seed, and fixed for training
            examples that are looked up and for held-out ones.
        share: of the sides, above 0 and at most 1.

    Raises:
        UserError: no pictures.
    """

    paired = on_demand = True

    def __init__(self, data: Data, mask: Mask = "center", share: float = 0.5) -> None:
        kind = _pictures(data)
        channels, *self._sides = kind.shape
        self._data, self._mask, self._share = data, mask, share
        self.mirror, self.notes = data.mirror, data.notes
        holed = Pictures((channels + 1, *kind.shape[1:]), kind.raw, masked=True)
        self.schema: dict[str, Kind] = {"a": holed, "b": kind, **_but_x(data.schema)}
        self.fingerprint = _fingerprint(data, "holed", mask, share)

    def __len__(self) -> int:
        return len(self._data)

    def batch(self, draw: int, size: int, seed: int) -> Rows:
        """Pairs of a batch of the data, with holes of their own; see `Dataset.batch`."""
        return self._pairs(self._data.batch(draw, size, seed), _chances(size, seed, draw))

    def rows(self, which: np.ndarray | slice) -> Rows:
        """Training pairs by their index."""
        return self._pairs(self._data.rows(which), _chances(len(self._data), 0)[which])

    def held_out(self, n: int | None = None) -> Rows:
        """The first `n` held-out pairs, or all of them."""
        rows = self._data.held_out(n)
        return self._pairs(rows, _chances(len(rows["x"]), 1))

    def _pairs(self, rows: Rows, chances: np.ndarray) -> Rows:
        return {"a": holed(rows["x"], self._hidden(chances)), "b": rows["x"], **_but_x(rows)}

    def _hidden(self, chances: np.ndarray) -> Tensor:
        """Bool `(N, H, W)`: True in the hole of each of N examples, by chances `(N, 4)` from 0 to 1."""
        share, place = chances[:, :2], chances[:, 2:]
        share = self._share * ((1 + share) / 2 if self._mask == "random" else np.ones_like(share))
        place = place if self._mask == "random" else np.full_like(place, 0.5)
        sides = np.array(self._sides)
        lengths = np.clip((share * sides).round(), 1, sides)
        first = np.floor(place * (sides - lengths + (self._mask == "random")))
        down, across = (
            (np.arange(side) >= first[:, k, None]) & (np.arange(side) < (first + lengths)[:, k, None])
            for k, side in enumerate(self._sides)
        )
        return torch.from_numpy(down[:, :, None] & across[:, None, :])


def holed(pictures: Tensor, hidden: Tensor) -> Tensor:
    """Pictures with a hole, as `Holed` has them.

    Args:
        pictures: uint8 `(N, C, H, W)`.
        hidden: bool `(N, H, W)`: True in the hole.

    Returns:
        uint8 `(N, C + 1, H, W)`.
    """
    known = (~hidden[:, None]).to(torch.uint8) * 255
    return torch.cat([pictures.masked_fill(hidden[:, None], GREY), known], 1)


def _chances(n: int, *seed: int) -> np.ndarray:
    """`(n, 4)` numbers from 0 to 1; the first rows are the same for any n."""
    return np.random.default_rng([*seed, HOLE]).random((n, 4))


def _pictures(data: Data) -> Pictures:
    kind = data.schema.get("x")
    if not isinstance(kind, Pictures):
        raise UserError("pairs are made of pictures, and the data holds none", "name pictures")
    return kind


def _but_x(columns: Mapping[str, T]) -> dict[str, T]:
    return {name: column for name, column in columns.items() if name != "x"}


def _fingerprint(data: Data, *how: object) -> str:
    return blake2b(repr((data.fingerprint, *how)).encode(), digest_size=16).hexdigest()
