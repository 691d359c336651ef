"""The default networks for pictures: small, and made for many rounds in little time on a processor.

The generator does all its work on small maps: each doubling is one 3x3 convolution on the small side followed by a
pixel shuffle (Shi et al. 2016, arXiv 1609.05158), which costs a quarter of the same convolution on the large side and
leaves no checkerboard of overlapping strides. The discriminator alternates strided 4x4 and plain 3x3 convolutions as
in SNGAN (Miyato et al. 2018, arXiv 1802.05957, table 3), the strided one first: spectral norm, no batch norm.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from sparring.networks.sizes import halvings, start
from sparring.networks.spectral import constrain_spectrum


class Doubling(nn.Module):
    """`(B, before, H, W)` -> `(B, after, 2H, 2W)`: convolution, pixel shuffle, batch norm, ReLU."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, 4 * after, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, before, H, W)` -> `(B, after, 2H, 2W)`."""
        return self.norm(pixel_shuffle(self.convolution(x), 2)).relu()


class ShuffleGenerator(nn.Module):
    """`(B, latent_dim)` -> `(B, C, H, W)` in [-1, 1].

    Args:
        latent_dim: the noise's dimension.
        shape: (C, H, W), each side at least 4; a side that is no multiple is cropped.
        width: channels at the full size; they double towards the noise, eightfold at most.
    """

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 8) -> None:
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

    Nothing is computed at the full size, where a convolution costs most and, on small pictures, helps least.

    Args:
        shape: (C, H, W), each side at least 4.
        width: channels behind the first layer; they double at every layer to `4 * width`, and no further than
            `8 * width`.
        spectral: spectral norm on every layer.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 8, spectral: bool = True) -> None:
        super().__init__()
        channels, height, breadth = shape
        layers: list[nn.Module] = []
        before = channels
        for k in range(halvings(height, breadth)):
            after = width * min(2 ** (k + 1), 8)
            inner = width if k == 0 else after
            layers += [nn.Conv2d(before, inner, 4, stride=2, padding=1), nn.LeakyReLU(0.1)]
            layers += [nn.Conv2d(inner, after, 3, padding=1), nn.LeakyReLU(0.1)]
            before, height, breadth = after, height // 2, breadth // 2
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(before * height * breadth, 1, bias=False)
        if spectral:
            constrain_spectrum(self)

    def features(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, F)`: what the last layer sees."""
        return self.trunk(x).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B,)`."""
        return self.head(self.features(x)).squeeze(1)
