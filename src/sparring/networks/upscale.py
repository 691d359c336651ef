"""Super-resolution networks: SRResNet and RRDBNet. Both add what they know to a bicubic enlargement.

References:
    Ledig et al. 2016, arXiv 1609.04802, section 2.1 (SRResNet); Wang et al. 2018, arXiv 1809.00219, section 3.1
    (residual-in-residual dense blocks without batch norm, residuals scaled by 0.2, smaller first weights).

Deviations:
    The networks add to the bicubic enlargement, where the papers' make the whole picture: they begin at the floor that
    they have to beat. Depths and widths are for a processor.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

SCALE = 0.2
"""Of the residual branches of an RRDB."""


def steps_of(factor: int) -> list[int]:
    """The enlargements, one after the other: by 2 as often as it goes, then the rest.

    Examples:
        >>> steps_of(4), steps_of(3), steps_of(6), steps_of(1)
        ([2, 2], [3], [2, 3], [])
    """
    found = []
    while factor % 2 == 0:
        factor //= 2
        found.append(2)
    return found + ([factor] if factor > 1 else [])


def _enlarging(width: int, factor: int, act: Callable[[], nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for step in steps_of(factor):
        layers += [nn.Conv2d(width, width * step**2, 3, padding=1), nn.PixelShuffle(step), act()]
    return layers


class SRBlock(nn.Module):
    """`(B, C, H, W)` -> `(B, C, H, W)`: convolution, batch norm, PReLU, convolution, batch norm, and the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, C, H, W)`."""
        return x + self.layers(x)


class SRResNet(nn.Module):
    """`(B, C_in, H, W)` -> `(B, C_out, factor H, factor W)`, of any size; not bounded.

    Args:
        channels_in: of the pictures it is given.
        channels_out: of those it makes.
        factor: of both sides.
        width: channels.
        depth: residual blocks.
    """

    def __init__(self, channels_in: int, channels_out: int, factor: int = 4, width: int = 24, depth: int = 4) -> None:
        super().__init__()
        self.channels, self.factor = channels_out, factor
        self.first = nn.Sequential(nn.Conv2d(channels_in, width, 9, padding=4), nn.PReLU())
        blocks = [SRBlock(width) for _ in range(depth)]
        self.trunk = nn.Sequential(*blocks, nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.up = nn.Sequential(*_enlarging(width, factor, nn.PReLU), nn.Conv2d(width, channels_out, 5, padding=2))

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C_in, H, W)` -> `(B, C_out, factor H, factor W)`."""
        first = self.first(x)
        return enlarged(x, self.factor, self.channels) + self.up(first + self.trunk(first))


class DenseBlock(nn.Module):
    """`(B, C, H, W)` -> `(B, C, H, W)`: five convolutions, each of which sees all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Conv2d(width + k * growth, growth if k < 4 else width, 3, padding=1) for k in range(5)]
        )

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, C, H, W)`."""
        seen = x
        for layer in self.layers[:-1]:
            seen = torch.cat([seen, leaky_relu(layer(seen), 0.2)], 1)
        return x + SCALE * self.layers[-1](seen)


class RRDB(nn.Module):
    """`(B, C, H, W)` -> `(B, C, H, W)`: three dense blocks in a residual branch."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*[DenseBlock(width, growth) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, C, H, W)`."""
        return x + SCALE * self.layers(x)


class RRDBNet(nn.Module):
    """`(B, C_in, H, W)` -> `(B, C_out, factor H, factor W)`, of any size; not bounded.

    Args:
        channels_in: of the pictures it is given.
        channels_out: of those it makes.
        factor: of both sides.
        width: channels; a layer of a dense block adds half as many.
        depth: residual-in-residual dense blocks.
    """

    def __init__(self, channels_in: int, channels_out: int, factor: int = 4, width: int = 24, depth: int = 2) -> None:
        super().__init__()
        self.channels, self.factor = channels_out, factor
        self.first = nn.Conv2d(channels_in, width, 3, padding=1)
        blocks = [RRDB(width, max(1, width // 2)) for _ in range(depth)]
        self.trunk = nn.Sequential(*blocks, nn.Conv2d(width, width, 3, padding=1))
        self.up = nn.Sequential(
            *_enlarging(width, factor, lambda: nn.LeakyReLU(0.2)), nn.Conv2d(width, channels_out, 3, padding=1)
        )
        for block in blocks:
            for layer in block.modules():
                if isinstance(layer, nn.Conv2d):
                    layer.weight.data.mul_(0.5)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C_in, H, W)` -> `(B, C_out, factor H, factor W)`."""
        first = self.first(x)
        return enlarged(x, self.factor, self.channels) + self.up(first + self.trunk(first))


def enlarged(x: Tensor, factor: int, channels: int | None = None) -> Tensor:
    """`(B, C, H, W)` -> `(B, channels, factor H, factor W)`, bicubic; other channels are their mean, repeated."""
    large = interpolate(x.float(), scale_factor=factor, mode="bicubic").clamp(-1, 1) if factor > 1 else x
    if channels in (None, x.shape[1]):
        return large
    return large.mean(1, keepdim=True).expand(-1, channels, -1, -1)
