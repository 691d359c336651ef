"""Networks of styles: a mapping from noise to styles, and a generator that each of its layers is given one.

References:
    Karras et al. 2020, arXiv 1912.04958, section 2 and figure 2 (modulated and demodulated convolutions), section 4.1
    and figure 7 (the generator's skips, the discriminator's residual blocks); Karras et al. 2018, arXiv 1812.04948
    (mapping, noise, style mixing, truncation).

Deviations:
    Modulation scales what a convolution is given, and demodulation what it gives, which is the same as scaling its
    weights for each example and on a processor faster. The first convolution of a level works before its map is
    enlarged, at a quarter of the cost of working on the large one. Maps go from size to size by interpolation, so that
    pictures of any size will do; where they double, that is the paper's filter [1, 3, 3, 1]. The discriminator takes
    means over areas, and convolves after.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu

from sparring.networks.equalized import (
    HE,
    SLOPE,
    EqualizedConv2d,
    EqualizedLinear,
    LeakyReLU,
    MinibatchDeviation,
    PixelNorm,
)
from sparring.networks.growing import level_sizes, level_widths, reduced


def smoothed(x: Tensor, size: tuple[int, int]) -> Tensor:
    """`(B, C, h, w)` -> `(B, C, *size)`, larger, bilinear."""
    return x if x.shape[2:] == size else interpolate(x, size, mode="bilinear")


class ModulatedConv2d(nn.Module):
    """`(B, inputs, H, W)` and a style -> `(B, outputs, H, W)`: weights `w_ijk` that each example scales for itself.

    `w'_ijk = s_i w_ijk`, `w''_ijk = w'_ijk / sqrt(sum over i and k of w'_ijk² + 1e-8)` (equations 1 and 3).

    Args:
        inputs: feature maps.
        outputs: feature maps.
        kernel: its side.
        styles: numbers of a style.
        demodulate: whether outputs are brought back to a standard deviation of 1.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, styles: int, demodulate: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.affine = EqualizedLinear(styles, inputs, gain=1, bias=1.0)
        self.scale, self.demodulate = 1 / (inputs * kernel**2) ** 0.5, demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """`(B, inputs, H, W)` and `(B, styles)` -> `(B, outputs, H, W)`."""
        s, w = self.affine(style), self.weight * self.scale
        x = conv2d(x * s[:, :, None, None], w, padding=w.shape[2] // 2)
        if not self.demodulate:
            return x
        squares = s.float().square() @ w.float().square().sum((2, 3)).T  # (B, outputs)
        return x * (squares + 1e-8).rsqrt()[:, :, None, None]


class StyledLayer(nn.Module):
    """`(B, inputs, H, W)` -> `(B, outputs, *size)`: modulated convolution, noise, bias, leaky ReLU.

    Args:
        inputs: feature maps.
        outputs: feature maps.
        size: of its output, to which its maps are brought.
        styles: numbers of a style.
    """

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int], styles: int) -> None:
        super().__init__()
        self.convolution = ModulatedConv2d(inputs, outputs, 3, styles)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.size = size

    def forward(self, x: Tensor, style: Tensor, rng: torch.Generator | None) -> Tensor:
        """`(B, inputs, H, W)` and `(B, styles)`; without `rng`, no noise is added."""
        x = smoothed(self.convolution(x, style), self.size)
        if rng is not None:
            x = x + self.strength * torch.randn((len(x), 1, *self.size), generator=rng, device=x.device)
        x = x + self.bias[:, None, None]
        return leaky_relu(x, SLOPE) * HE


class StyleGenerator(nn.Module):
    """`(B, latent_dim)` -> `(B, C, H, W)`, unbounded as in the paper.

    `map` makes styles of noise, `synthesize` pictures of styles. A layer may be given a style of its own.

    Args:
        latent_dim: the noise's dimension.
        shape: (C, H, W).
        width: channels at the full size; they double towards the smallest one, eightfold at most.
        styles: numbers of a style.
        depth: layers of the mapping.

    Attributes:
        layers: that take a style: two at each size but the smallest, where there is one.
        mean: `(styles,)`, the running mean of styles, which `follow` moves.
    """

    mean: Tensor

    def __init__(
        self, latent_dim: int, shape: tuple[int, ...], width: int = 16, styles: int = 64, depth: int = 4
    ) -> None:
        super().__init__()
        sizes = level_sizes(*shape[1:])
        w = level_widths(width, len(sizes))
        mapping: list[nn.Module] = [PixelNorm()]
        for inputs in (latent_dim, *[styles] * (depth - 1)):
            mapping += [EqualizedLinear(inputs, styles, rate=0.01), LeakyReLU()]
        self.mapping = nn.Sequential(*mapping)
        self.constant = nn.Parameter(torch.randn(w[0], *sizes[0]))
        self.styled = nn.ModuleList([StyledLayer(w[0], w[0], sizes[0], styles)])
        for a, b, size in zip(w[:-1], w[1:], sizes[1:], strict=True):
            self.styled.extend([StyledLayer(a, b, size, styles), StyledLayer(b, b, size, styles)])
        self.to_picture = nn.ModuleList(ModulatedConv2d(each, shape[0], 1, styles, demodulate=False) for each in w)
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.register_buffer("mean", torch.zeros(styles))

    @property
    def layers(self) -> int:
        """How many styles a picture is made of."""
        return len(self.styled)

    def map(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, styles)`."""
        return self.mapping(z)

    @torch.no_grad()
    def follow(self, w: Tensor, decay: float = 0.995) -> None:
        """Move the mean of styles towards that of some, `(B, styles)`."""
        self.mean.lerp_(w.float().mean(0), 1 - decay)

    def synthesize(self, w: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Pictures of styles.

        Args:
            w: `(B, styles)`, or `(B, layers, styles)`.
            rng: of the noise; without, none is added.

        Returns:
            `(B, C, H, W)`.
        """
        if w.ndim == 2:
            w = w[:, None].expand(-1, self.layers, -1)
        x = self.styled[0](self.constant.expand(len(w), -1, -1, -1), w[:, 0], rng)
        made = self.to_picture[0](x, w[:, 0])
        for level in range(1, len(self.to_picture)):
            first, last = 2 * level - 1, 2 * level
            x = self.styled[first](x, w[:, first], rng)
            x = self.styled[last](x, w[:, last], rng)
            made = smoothed(made, x.shape[2:]) + self.to_picture[level](x, w[:, last])
        return made + self.bias[:, None, None]

    def forward(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, C, H, W)`."""
        return self.synthesize(self.map(z))


class Residual(nn.Module):
    """`(B, inputs, H, W)` -> `(B, outputs, *size)`: two convolutions beside a linear one, their sum over √2."""

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.first, self.second = EqualizedConv2d(inputs, inputs, 3), EqualizedConv2d(inputs, outputs, 3)
        self.beside = EqualizedConv2d(inputs, outputs, 1, gain=1, bias=False)
        self.bend, self.size = LeakyReLU(), size

    def forward(self, x: Tensor) -> Tensor:
        """`(B, inputs, H, W)` -> `(B, outputs, *size)`."""
        inner = reduced(self.bend(self.first(x)), self.size)
        return (self.bend(self.second(inner)) + self.beside(reduced(x, self.size))) / HE


class StyleDiscriminator(nn.Module):
    """`(B, C, H, W)` -> `(B,)` logits.

    Args:
        shape: (C, H, W).
        width: channels at the full size; they double at every halving, eightfold at most.
        group: examples whose deviation the last layers are shown.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 16, group: int = 4) -> None:
        super().__init__()
        sizes = level_sizes(*shape[1:])[::-1]
        w = level_widths(width, len(sizes))[::-1]
        blocks = [Residual(a, b, size) for a, b, size in zip(w[:-1], w[1:], sizes[1:], strict=True)]
        height, breadth = sizes[-1]
        self.trunk = nn.Sequential(
            *(EqualizedConv2d(shape[0], width, 1), LeakyReLU(), *blocks),
            *(MinibatchDeviation(group), EqualizedConv2d(w[-1] + 1, w[-1], 3), LeakyReLU(), nn.Flatten()),
            *(EqualizedLinear(w[-1] * height * breadth, w[-1]), LeakyReLU()),
        )
        self.head = EqualizedLinear(w[-1], 1, gain=1, bias=None)

    def features(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, F)`: what the last layer sees."""
        return self.trunk(x)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B,)`."""
        return self.head(self.features(x)).squeeze(1)


def mixed(w: Tensor, other: Tensor, layers: int, share: float, rng: torch.Generator) -> Tensor:
    """`(B, layers, styles)`: of a share of the rows, from a random layer on, the other style."""
    first = torch.randint(1, max(2, layers), (len(w),), generator=rng, device=w.device)
    first[torch.rand(len(w), generator=rng, device=w.device) >= share] = layers
    later = torch.arange(layers, device=w.device) >= first[:, None]
    return torch.where(later[:, :, None], other[:, None], w[:, None])


class Length(nn.Module):
    """a: the running mean of path lengths |J_w^T y| (section 3.2). It has no parameters."""

    a: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("a", torch.zeros(()))

    @torch.no_grad()
    def follow(self, lengths: Tensor, decay: float = 0.99) -> Tensor:
        """Move a towards the mean of some lengths, at once the first time, and return it."""
        mean = lengths.mean()
        self.a = torch.where(self.a == 0, mean, self.a.lerp(mean, 1 - decay))
        return self.a
