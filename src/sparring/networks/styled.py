"""Content and style apart, and a latent space that two kinds of pictures share.

References:
    Huang et al. 2018, arXiv 1804.04732, section 5.1 and figure 3 (MUNIT): a content encoder with instance norm, a style
    encoder without, a decoder whose residual blocks take their means and deviations from the style (AdaIN, Huang and
    Belongie 2017, arXiv 1703.06868).

Deviations:
    The layers that change the size are those of `Translator`.
"""

from torch import Tensor, nn

from sparring.networks.sizes import halvings
from sparring.networks.translate import Residual, down, up


class ContentEncoder(nn.Module):
    """`(B, C, H, W)` -> `(B, 4 * width, H / 4, W / 4)`: what a picture shows.

    Args:
        channels: of the pictures.
        width: channels at the full size.
        depth: residual blocks.
    """

    def __init__(self, channels: int, width: int = 16, depth: int = 2) -> None:
        super().__init__()
        self.layers = nn.Sequential(*down(channels, width), *[Residual(4 * width) for _ in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, 4 * width, H / 4, W / 4)`."""
        return self.layers(x)


class StyleEncoder(nn.Module):
    """`(B, C, H, W)` -> `(B, style)`: how it is drawn. Without normalisation, which would take the style away.

    Args:
        shape: (C, H, W), each side at least 4.
        style: how many numbers.
        width: channels behind the first layer; they double at every halving, fourfold at most.
    """

    def __init__(self, shape: tuple[int, ...], style: int, width: int = 16) -> None:
        super().__init__()
        channels, height, breadth = shape
        layers: list[nn.Module] = []
        before = channels
        for k in range(halvings(height, breadth)):
            after = width * min(2**k, 4)
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
            before = after
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(before, style)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, style)`."""
        return self.head(self.layers(x).mean((2, 3)))


class StyledResidual(nn.Module):
    """`(B, C, H, W)` and two means and deviations of its channels, `(B, 4 C)` -> `(B, C, H, W)`."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(features, features, 3, padding=1, padding_mode="reflect", bias=False) for _ in range(2)]
        )
        self.norm = nn.InstanceNorm2d(features)

    def forward(self, x: Tensor, statistics: Tensor) -> Tensor:
        """`(B, C, H, W)`, `(B, 4 C)` -> `(B, C, H, W)`."""
        first, second = self.convolutions
        shift, scale, shift_2, scale_2 = statistics[:, :, None, None].chunk(4, dim=1)
        inner = (self.norm(first(x)) * (1 + scale) + shift).relu()
        return x + self.norm(second(inner)) * (1 + scale_2) + shift_2


class StyledDecoder(nn.Module):
    """Content `(B, 4 * width, H / 4, W / 4)` and style `(B, style)` -> `(B, C, H, W)` in [-1, 1].

    Behind the styled blocks stands layer norm: instance norm would take the style away again.

    Args:
        channels: of the pictures.
        style: how many numbers.
        width: channels at the full size.
        depth: residual blocks.
    """

    def __init__(self, channels: int, style: int, width: int = 16, depth: int = 2) -> None:
        super().__init__()
        features, hidden = 4 * width, 8 * width
        self.blocks = nn.ModuleList([StyledResidual(features) for _ in range(depth)])
        self.statistics = nn.Sequential(
            nn.Linear(style, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, depth * 4 * features),
        )  # fmt: skip
        self.up = nn.Sequential(*up(channels, width, lambda features: nn.GroupNorm(1, features)))

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Content and style -> `(B, C, H, W)`."""
        x = content
        for block, statistics in zip(self.blocks, self.statistics(style).chunk(len(self.blocks), dim=1), strict=True):
            x = block(x, statistics)
        return self.up(x)


class SharedLatent(nn.Module):
    """Two encoders that share their last blocks, two decoders that share their first.

    Args:
        channels: of the two kinds of pictures.
        width: channels at the full size.
        depth: residual blocks of each encoder and of each decoder; one of them is shared, by all.

    References:
        Liu et al. 2017, arXiv 1703.00848, section 3 and appendix (UNIT).
    """

    def __init__(self, channels: tuple[int, int], width: int = 16, depth: int = 2) -> None:
        super().__init__()
        features = 4 * width

        def own() -> list[nn.Module]:
            return [Residual(features) for _ in range(depth - 1)]

        self.encoders = nn.ModuleList([nn.Sequential(*down(each, width), *own()) for each in channels])
        self.last, self.first = Residual(features), Residual(features)
        self.decoders = nn.ModuleList([nn.Sequential(*own(), *up(each, width)) for each in channels])

    def encode(self, kind: int, x: Tensor) -> Tensor:
        """Pictures of a kind, `(B, C, H, W)` -> the mean of their codes, `(B, 4 * width, H / 4, W / 4)`."""
        return self.last(self.encoders[kind](x))

    def decode(self, kind: int, code: Tensor) -> Tensor:
        """Codes -> pictures of a kind, `(B, C, H, W)` in [-1, 1]."""
        return self.decoders[kind](self.first(code))

    def forward(self, kind: int, x: Tensor) -> Tensor:
        """Pictures of a kind -> the same as pictures of the other kind."""
        return self.decode(1 - kind, self.encode(kind, x))
