"""Picture-to-picture networks: the residual translator, the patch discriminator, and the pool of past pictures.

References:
    Zhu et al. 2017, arXiv 1703.10593, section 7.1 and appendix: the generator of Johnson et al. 2016 (arXiv
    1603.08155) with instance norm, the PatchGAN of Isola et al. 2016 (arXiv 1611.07004), the pool of Shrivastava et
    al. 2016 (arXiv 1612.07828).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.networks.sizes import halvings


def _block(
    convolution: nn.Module, features: int, norm: Callable[[int], nn.Module] = nn.InstanceNorm2d
) -> list[nn.Module]:
    return [convolution, norm(features), nn.ReLU()]


class Residual(nn.Module):
    """`(B, C, H, W)` -> `(B, C, H, W)`."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_block(nn.Conv2d(features, features, 3, padding=1, padding_mode="reflect", bias=False), features),
            nn.Conv2d(features, features, 3, padding=1, padding_mode="reflect", bias=False),
            nn.InstanceNorm2d(features),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, C, H, W)`."""
        return x + self.layers(x)


def down(channels: int, width: int) -> list[nn.Module]:
    """The layers from a picture to a quarter of its size, in `4 * width` channels."""
    return [
        *_block(nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect", bias=False), width),
        *_block(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False), 2 * width),
        *_block(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=False), 4 * width),
    ]


def up(channels: int, width: int, norm: Callable[[int], nn.Module] = nn.InstanceNorm2d) -> list[nn.Module]:
    """The layers back from there to a picture in [-1, 1]."""
    return [
        *_block(nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False), 2 * width, norm),
        *_block(nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False), width, norm),
        nn.Conv2d(width, channels, 7, padding=3, padding_mode="reflect"),
        nn.Tanh(),
    ]


class Translator(nn.Module):
    """`(B, C_in, H, W)` -> `(B, C_out, H, W)` in [-1, 1]; both sides divisible by 4, and 8 at least.

    Args:
        channels_in: of the pictures it is given.
        channels_out: of those it makes.
        width: channels at the full size; four times as many at a quarter of it.
        depth: residual blocks.
    """

    def __init__(self, channels_in: int, channels_out: int, width: int = 32, depth: int = 6) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *down(channels_in, width),
            *[Residual(4 * width) for _ in range(depth)],
            *up(channels_out, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C_in, H, W)` -> `(B, C_out, H, W)`."""
        return self.layers(x)


class PatchDiscriminator(nn.Module):
    """`(B, C, H, W)` -> `(B, h, w)`: a logit for every patch.

    Args:
        shape: (C, H, W), each side at least 4.
        width: channels behind the first layer; they double at every halving.
        depth: halvings at most; with 3, a patch is 38 pixels wide (the paper's is 70).
        bias: in the last layer; a critic of which differences alone count cannot train it.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 32, depth: int = 3, bias: bool = True) -> None:
        super().__init__()
        channels, height, breadth = shape
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        count = min(depth, halvings(height, breadth))
        for k in range(count - 1):
            before, after = width * 2**k, width * 2 ** (k + 1)
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False))
            layers += [nn.InstanceNorm2d(after), nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(width * 2 ** (count - 1), 1, 3, padding=1, bias=bias))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, h, w)`."""
        return self.layers(x).squeeze(1)


class Pool(nn.Module):
    """The last pictures a generator made; D sees an old one half the time. It has no parameters, only buffers.

    A player that calls it names it in `trains`, so that its buffers change in that turn and are saved.

    Args:
        size: how many pictures it keeps.
        shape: (C, H, W).
    """

    kept: Tensor
    filled: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fresh: Tensor, rng: torch.Generator) -> Tensor:
        """`(B, C, H, W)` -> `(B, C, H, W)`: each either as given, or an older one whose place it takes."""
        out = fresh.detach().clone()
        for k, picture in enumerate(fresh.detach().float()):
            if self.filled < len(self.kept):
                self.kept[self.filled] = picture
                self.filled += 1
            elif torch.rand((), generator=rng, device=rng.device) < 0.5:
                place = int(torch.randint(len(self.kept), (), generator=rng, device=rng.device))
                out[k] = self.kept[place]
                self.kept[place] = picture
        return out
