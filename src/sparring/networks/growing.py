"""Networks that grow: they begin with small pictures, and a level of twice the size is faded in at a time.

All levels are there from the start. A `stage` says how far a network has grown: at 2.0 it is level 2, at 2.3 level 3
counts for 0.3 and level 2 for the rest. The networks keep the latest stage in a buffer, for those who name none.

References:
    Karras et al. 2017, arXiv 1710.10196, section 2, figure 2, and table 2.

Deviations:
    Level sizes halve with rounding up, and maps are brought from one to the next by interpolation, so that pictures of
    any size will do; where a side is even that is the paper's doubling and halving. The last layers have no bias.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sparring.networks.equalized import EqualizedConv2d, EqualizedLinear, LeakyReLU, MinibatchDeviation, PixelNorm
from sparring.networks.sizes import halvings

WIDEST = 8
"""Channels at the smallest size over those at the full one, at most."""


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """The size of each level, the smallest first.

    Examples:
        >>> level_sizes(32, 32), level_sizes(30, 45)
        ([(4, 4), (8, 8), (16, 16), (32, 32)], [(8, 12), (15, 23), (30, 45)])
    """
    sizes = [(height, width)]
    for _ in range(halvings(height, width)):
        sizes.insert(0, (-(-sizes[0][0] // 2), -(-sizes[0][1] // 2)))
    return sizes


def level_widths(width: int, levels: int) -> list[int]:
    """The channels of each level, the smallest size first: doubled at every halving, `WIDEST` times at most."""
    return [width * min(2**k, WIDEST) for k in range(levels - 1, -1, -1)]


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """`(B, C, h, w)` -> `(B, C, *size)` by the nearest pixel."""
    return x if x.shape[2:] == size else interpolate(x, size, mode="nearest")


def reduced(x: Tensor, size: tuple[int, int]) -> Tensor:
    """`(B, C, H, W)` -> `(B, C, *size)` by means over areas."""
    return x if x.shape[2:] == size else interpolate(x, size, mode="area")


def level_and_share(stage: float) -> tuple[int, float]:
    """The level of that stage, and how much it counts, in (0, 1]; the level below counts for the rest.

    Examples:
        >>> level_and_share(2.0), level_and_share(2.25)
        ((2, 1.0), (3, 0.25))
    """
    level = math.ceil(stage)
    return level, stage - level + 1


def mixed(before: Tensor, now: Tensor, share: float) -> Tensor:
    """`(1 - share) before + share now`, exactly `before` at 0."""
    return torch.lerp(before, now, share)


def at_stage(x: Tensor, sizes: list[tuple[int, int]], stage: float) -> Tensor:
    """Reals as a network of that stage sees them: at its level's size, their details faded in as its own are.

    Args:
        x: `(B, C, H, W)`, full size.
        sizes: of the levels.
        stage: 0 to `len(sizes) - 1`.
    """
    level, share = level_and_share(stage)
    x = reduced(x, sizes[level])
    if share == 1:
        return x
    return mixed(enlarged(reduced(x, sizes[level - 1]), sizes[level]), x, share)


class _Growing(nn.Module):
    """What both networks share: levels, and the latest stage."""

    stage: Tensor

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.sizes = level_sizes(*shape[1:])
        self.widths = level_widths(width, len(self.sizes))
        self.register_buffer("stage", torch.tensor(len(self.sizes) - 1.0))

    def _grown(self, stage: float | None) -> tuple[int, float]:
        return level_and_share(float(self.stage) if stage is None else stage)


def _normalized(inputs: int, outputs: int) -> list[nn.Module]:
    return [EqualizedConv2d(inputs, outputs, 3), LeakyReLU(), PixelNorm()]


class GrowingGenerator(_Growing):
    """`(B, latent_dim)` -> `(B, C, h, w)`, unbounded as in the paper; the size is that of the stage's level.

    Args:
        latent_dim: the noise's dimension.
        shape: (C, H, W) of the last level.
        width: channels at the full size; they double towards the noise, eightfold at most.
    """

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 16) -> None:
        super().__init__(shape, width)
        w, (height, breadth) = self.widths, self.sizes[0]
        self.normalize = PixelNorm()
        first = EqualizedLinear(latent_dim, w[0] * height * breadth)
        unflat = nn.Unflatten(1, (w[0], height, breadth))
        self.blocks = nn.ModuleList([nn.Sequential(first, unflat, LeakyReLU(), PixelNorm(), *_normalized(w[0], w[0]))])
        for a, b in pairwise(w):
            self.blocks.append(nn.Sequential(*_normalized(a, b), *_normalized(b, b)))
        self.to_picture = nn.ModuleList(EqualizedConv2d(each, shape[0], 1, gain=1) for each in w)

    def forward(self, z: Tensor, stage: float | None = None) -> Tensor:
        """`(B, latent_dim)` -> `(B, C, h, w)`; by default at the latest stage."""
        level, share = self._grown(stage)
        before = x = self.blocks[0](self.normalize(z))
        for k in range(1, level + 1):
            before, x = x, self.blocks[k](enlarged(x, self.sizes[k]))
        made = self.to_picture[level](x)
        if share == 1:
            return made
        return mixed(enlarged(self.to_picture[level - 1](before), self.sizes[level]), made, share)

    def full(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, C, H, W)`: what it makes at the latest stage, enlarged from level to level.

        All levels are computed, and those that do not count are multiplied by 0: so it can be exported.
        """
        x = self.blocks[0](self.normalize(z))
        made = (1 - self.stage).clamp(min=0) * self.to_picture[0](x)
        for k in range(1, len(self.sizes)):
            x = self.blocks[k](enlarged(x, self.sizes[k]))
            weight = (1 - (self.stage - k).abs()).clamp(min=0)
            made = enlarged(made, self.sizes[k]) + weight * self.to_picture[k](x)
        return made


class GrowingDiscriminator(_Growing):
    """`(B, C, h, w)` -> `(B,)` scores; the size is that of the stage's level.

    Args:
        shape: (C, H, W) of the last level.
        width: channels at the full size; they double at every halving, eightfold at most.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 16) -> None:
        super().__init__(shape, width)
        w, (height, breadth) = self.widths, self.sizes[0]
        self.from_picture = nn.ModuleList(nn.Sequential(EqualizedConv2d(shape[0], each, 1), LeakyReLU()) for each in w)
        self.blocks = nn.ModuleList(
            nn.Sequential(EqualizedConv2d(b, b, 3), LeakyReLU(), EqualizedConv2d(b, a, 3), LeakyReLU())
            for a, b in pairwise(w)
        )
        self.last = nn.Sequential(
            *(MinibatchDeviation(), EqualizedConv2d(w[0] + 1, w[0], 3), LeakyReLU(), nn.Flatten()),
            *(EqualizedLinear(w[0] * height * breadth, w[0]), LeakyReLU()),
        )
        self.head = EqualizedLinear(w[0], 1, gain=1, bias=None)

    def features(self, x: Tensor, stage: float | None = None) -> Tensor:
        """`(B, C, h, w)` -> `(B, F)`: what the last layer sees."""
        level, share = self._grown(stage)
        seen = self.from_picture[level](x)
        for k in range(level, 0, -1):
            seen = reduced(self.blocks[k - 1](seen), self.sizes[k - 1])
            if k == level and share < 1:
                seen = mixed(self.from_picture[level - 1](reduced(x, self.sizes[level - 1])), seen, share)
        return self.last(seen)

    def forward(self, x: Tensor, stage: float | None = None) -> Tensor:
        """`(B, C, h, w)` -> `(B,)`; by default at the latest stage."""
        return self.head(self.features(x, stage)).squeeze(1)
