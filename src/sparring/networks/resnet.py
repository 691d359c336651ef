"""The residual networks of R3GAN without normalisation, narrow enough for a processor.

References:
    Huang et al. 2024, arXiv 2501.05441, section 3 and appendix B: bottlenecks of 1x1, grouped 3x3 and 1x1
    convolutions; the initialisation of Fixup (Zhang et al. 2019, arXiv 1901.09321); no normalisation anywhere.

Deviations:
    Average pooling and bilinear interpolation resample where the paper filters with [1, 2, 1].
"""

import math
from itertools import pairwise
from typing import TypeVar

from torch import Tensor, nn, randn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu

from sparring.networks.sizes import halvings, start
from sparring.networks.spectral import constrain_spectrum

SLOPE = 0.2
M = TypeVar("M", nn.Conv2d, nn.Linear)


class Bottleneck(nn.Module):
    """`(B, C, H, W)` -> `(B, C, H, W)`: a residual branch that starts at zero.

    Args:
        channels: C.
        blocks: how many such branches the whole network has; each starts that much quieter (Fixup).
        expansion: width of the branch, in C.
        group: channels in a group of the 3x3 convolution, where that divides them evenly.
        silent: start the branch at zero, which spectral norm could not divide by.
    """

    def __init__(self, channels: int, blocks: int, expansion: int = 2, group: int = 16, silent: bool = True) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = nn.Conv2d(channels, inner, 1)
        self.spatial = nn.Conv2d(inner, inner, 3, padding=1, groups=math.gcd(inner, max(1, inner // group)))
        self.contract = nn.Conv2d(inner, channels, 1, bias=False)
        for layer in (self.expand, self.spatial):
            _initialise(layer, gain=blocks**-0.25)  # L^(-1 / (2m - 2)) for m = 3 layers
        if silent:
            nn.init.zeros_(self.contract.weight)
        else:
            _initialise(self.contract)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, C, H, W)`."""
        inner = leaky_relu(self.expand(x), SLOPE)
        inner = leaky_relu(self.spatial(inner), SLOPE)
        return x + self.contract(inner)


class ResNetGenerator(nn.Module):
    """`(B, latent_dim)` -> `(B, C, H, W)`, unbounded as in the paper.

    Args:
        latent_dim: the noise's dimension.
        shape: (C, H, W), each side at least 4; a side that is no multiple is cropped.
        width: channels at the full size; they double towards the noise, eightfold at most.
        depth: bottlenecks at each size.
    """

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 16, depth: int = 1) -> None:
        super().__init__()
        channels, self.height, self.width = shape
        count = halvings(self.height, self.width)
        widths = [width * min(2**k, 8) for k in range(count, -1, -1)]
        blocks = depth * len(widths)
        self.basis = nn.Parameter(randn(widths[0], *start(self.height, self.width, count)))
        self.linear = _initialise(nn.Linear(latent_dim, widths[0], bias=False))
        self.stages = nn.ModuleList(
            nn.Sequential(*[Bottleneck(features, blocks) for _ in range(depth)]) for features in widths
        )
        self.narrow = nn.ModuleList(_initialise(nn.Conv2d(a, b, 1, bias=False)) for a, b in pairwise(widths))
        self.last = _initialise(nn.Conv2d(width, channels, 1))

    def forward(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, C, H, W)`."""
        x = self.stages[0](self.basis * self.linear(z)[:, :, None, None])
        for narrow, stage in zip(self.narrow, self.stages[1:], strict=True):
            x = stage(interpolate(narrow(x), scale_factor=2, mode="bilinear", align_corners=False))
        return self.last(x)[:, :, : self.height, : self.width]


class ResNetDiscriminator(nn.Module):
    """`(B, C, H, W)` -> `(B,)` logits.

    Args:
        shape: (C, H, W), each side at least 4.
        width: channels at the full size; they double at every halving, eightfold at most.
        depth: bottlenecks at each size.
        spectral: the largest singular value of every layer; 0: free, as in the paper.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 16, depth: int = 1, spectral: float = 0.0) -> None:
        super().__init__()
        channels, height, breadth = shape
        count = halvings(height, breadth)
        widths = [width * min(2**k, 8) for k in range(count + 1)]
        blocks = depth * len(widths)
        self.first = _initialise(nn.Conv2d(channels, width, 1))
        self.stages = nn.ModuleList(
            nn.Sequential(*[Bottleneck(features, blocks, silent=not spectral) for _ in range(depth)])
            for features in widths
        )
        self.widen = nn.ModuleList(_initialise(nn.Conv2d(a, b, 1, bias=False)) for a, b in pairwise(widths))
        reach = (height // 2**count, breadth // 2**count)
        self.gather = _initialise(nn.Conv2d(widths[-1], widths[-1], reach, groups=widths[-1], bias=False))
        self.head = _initialise(nn.Linear(widths[-1], 1, bias=False))
        if spectral:
            constrain_spectrum(self, spectral)

    def features(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, F)`: what the last layer sees."""
        x = self.stages[0](self.first(x))
        for widen, stage in zip(self.widen, self.stages[1:], strict=True):
            x = stage(widen(avg_pool2d(x, 2)))
        return self.gather(x).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B,)`."""
        return self.head(self.features(x)).squeeze(1)


def _initialise(layer: M, gain: float = 1.0) -> M:
    # He's variance for leaky ReLU, times the gain
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    layer.weight.data.mul_(gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
