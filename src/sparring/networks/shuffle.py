"""The default networks for pictures: small, and made for many rounds in little time on a processor.

The generator does all its work on small maps: each doubling is one 3x3 convolution on the small side followed by a
pixel shuffle (Shi et al. 2016, arXiv 1609.05158), which costs a quarter of the same convolution on the large side. What
a shuffle leaves of a checkerboard, a fixed blur of three taps takes away, as in StyleGAN (Karras et al. 2019, arXiv
1812.04948). The discriminator alternates strided 4x4 and plain 3x3 convolutions as in SNGAN (Miyato et al. 2018, arXiv
1802.05957, table 3), the strided one first: spectral norm, no batch norm.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, pixel_shuffle

from sparring.networks.sizes import halvings, start
from sparring.networks.spectral import constrain_spectrum


class Blur(nn.Module):
    """`(B, C, H, W)` -> the same shape: each channel filtered with [1, 2, 1] / 4 in both directions."""

    taps: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("taps", torch.outer(line, line).expand(channels, 1, 3, 3).contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, C, H, W)`."""
        return conv2d(pad(x, (1, 1, 1, 1), mode="replicate"), self.taps, groups=len(self.taps))


class Doubling(nn.Module):
    """`(B, before, H, W)` -> `(B, after, 2H, 2W)`: convolution, pixel shuffle, blur, batch norm, ReLU."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, 4 * after, 3, padding=1, bias=False)
        self.blur = Blur(after)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, before, H, W)` -> `(B, after, 2H, 2W)`."""
        return self.norm(self.blur(pixel_shuffle(self.convolution(x), 2))).relu()


class ShuffleGenerator(nn.Module):
    """`(B, latent_dim)` -> `(B, C, H, W)` in [-1, 1].

    Args:
        latent_dim: the noise's dimension.
        shape: (C, H, W), each side at least 4; a side that is no multiple is cropped.
        width: channels at the full size; they double towards the noise, eightfold at most.
    """

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 12) -> None:
        super().__init__()
        channels, self.height, self.width = shape
        count = halvings(self.height, self.width)
        widths = [width * min(2**k, 8) for k in range(count, -1, -1)]
        self.start = (widths[0], *start(self.height, self.width, count))
        self.linear = nn.Linear(latent_dim, self.start[0] * self.start[1] * self.start[2], bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        self.doublings = nn.Sequential(*[Doubling(a, b) for a, b in pairwise(widths)])
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, C, H, W)`."""
        x = self.norm(self.linear(z).unflatten(1, self.start)).relu()
        return self.last(self.doublings(x)).tanh()[:, :, : self.height, : self.width]


class StridedDiscriminator(nn.Module):
    """`(B, C, H, W)` -> `(B,)` logits: at each size a 4x4 convolution that halves it and a 3x3 one that does not.

    Nothing is computed at the full size, where a convolution costs most and, on small pictures, helps least. The first
    layer has `width` filters for each channel of the picture: it must see the fine patterns in all of them.

    Args:
        shape: (C, H, W), each side at least 4.
        width: filters of the first layer for each channel; the layers behind it have `2 * width`, then twice as many
            at each size, `8 * width` at most.
        spectral: the largest singular value of every layer; 0: free.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 8, spectral: float = 1.0) -> None:
        super().__init__()
        channels, height, breadth = shape
        layers: list[nn.Module] = []
        before = channels
        for k in range(halvings(height, breadth)):
            after = width * min(2 ** (k + 1), 8)
            inner = width * channels if k == 0 else after
            layers += [nn.Conv2d(before, inner, 4, stride=2, padding=1), nn.LeakyReLU(0.1)]
            layers += [nn.Conv2d(inner, after, 3, padding=1), nn.LeakyReLU(0.1)]
            before, height, breadth = after, height // 2, breadth // 2
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(before * height * breadth, 1, bias=False)
        if spectral:
            constrain_spectrum(self, spectral)

    def features(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, F)`: what the last layer sees."""
        return self.trunk(x).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B,)`."""
        return self.head(self.features(x)).squeeze(1)
