"""Networks that come in twos and share layers: what is shared is what the two kinds of pictures have in common.

References:
    Liu and Tuzel 2016, arXiv 1606.07536, section 3: generators share their first layers, which decide what is shown,
    discriminators their last.

Deviations:
    The layers are those of `ShuffleGenerator` and `StridedDiscriminator`.
"""

from itertools import pairwise

from torch import Tensor, nn

from sparring.networks.shuffle import Doubling
from sparring.networks.sizes import halvings, start
from sparring.networks.spectral import constrain_spectrum


class CoupledGenerator(nn.Module):
    """`(B, latent_dim)` -> a picture of either kind for each noise, `(B, C_a, H, W)` and `(B, C_b, H, W)`, in [-1, 1].

    The doublings but the last are shared.

    Args:
        latent_dim: the noise's dimension.
        a: (C, H, W) of the first kind, each side at least 4.
        b: of the second, of the same size.
        width: channels at the full size; they double towards the noise, eightfold at most.
    """

    def __init__(self, latent_dim: int, a: tuple[int, ...], b: tuple[int, ...], width: int = 12) -> None:
        super().__init__()
        _, self.height, self.width = a
        count = halvings(self.height, self.width)
        widths = [width * min(2**k, 8) for k in range(count, -1, -1)]
        self.start = (widths[0], *start(self.height, self.width, count))
        self.linear = nn.Linear(latent_dim, self.start[0] * self.start[1] * self.start[2], bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        *shared, (before, after) = pairwise(widths)
        self.shared = nn.Sequential(*[Doubling(*each) for each in shared])
        self.own = nn.ModuleList(
            [nn.Sequential(Doubling(before, after), nn.Conv2d(after, shape[0], 3, padding=1)) for shape in (a, b)]
        )

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """`(B, latent_dim)` -> `(B, C_a, H, W)`, `(B, C_b, H, W)`."""
        x = self.shared(self.norm(self.linear(z).unflatten(1, self.start)).relu())
        a, b = (own(x).tanh()[:, :, : self.height, : self.width] for own in self.own)
        return a, b


class CoupledDiscriminator(nn.Module):
    """Pictures of either kind, `(B, C_a, H, W)` and `(B, C_b, H, W)` -> logits, `(B,)` and `(B,)`.

    The layers at the full size are each kind's own; all behind them are shared.

    Args:
        a: (C, H, W) of the first kind, each side at least 4.
        b: of the second, of the same size.
        width: filters of the first layer; the others have `2 * width`, then twice as many at each size, `8 * width` at
            most.
        spectral: spectral norm on every layer.
    """

    def __init__(self, a: tuple[int, ...], b: tuple[int, ...], width: int = 12, spectral: bool = True) -> None:
        super().__init__()
        _, height, breadth = a
        self.own = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(shape[0], 2 * width, 4, stride=2, padding=1), nn.LeakyReLU(0.1))
                for shape in (a, b)
            ]
        )
        layers: list[nn.Module] = []
        before, count = 2 * width, halvings(height, breadth)
        for k in range(count):
            after = width * min(2 ** (k + 1), 8)
            if k:
                layers += [nn.Conv2d(before, before, 4, stride=2, padding=1), nn.LeakyReLU(0.1)]
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(0.1)]
            before, height, breadth = after, height // 2, breadth // 2
        self.shared = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(before * height * breadth, 1, bias=False)
        if spectral:
            constrain_spectrum(self)

    def of(self, kind: int, x: Tensor) -> Tensor:
        """Pictures of the first (0) or the second (1) kind -> `(B,)`."""
        return self.head(self.shared(self.own[kind](x))).squeeze(1)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """`(B, C_a, H, W)`, `(B, C_b, H, W)` -> `(B,)`, `(B,)`."""
        return self.of(0, a), self.of(1, b)
