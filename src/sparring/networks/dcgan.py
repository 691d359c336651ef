"""The DCGAN networks, for any size and number of channels.

References:
    Radford et al. 2015, arXiv 1511.06434, section 3: strided convolutions instead of pooling, batch norm in both, no
    hidden fully connected layers, ReLU and tanh in G, leaky ReLU of 0.2 in D, weights from N(0, 0.02²).
"""

from torch import Tensor, nn

from sparring.networks.sizes import halvings, start
from sparring.networks.spectral import constrain_spectrum


class DCGANGenerator(nn.Module):
    """`(B, latent_dim)` -> `(B, C, H, W)` in [-1, 1], by transposed convolutions.

    Args:
        latent_dim: the noise's dimension.
        shape: (C, H, W), each side at least 4; a side that is no multiple is cropped.
        width: channels before the last layer; they double towards the noise.
        batch_norm: after every layer but the last.
    """

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 64, batch_norm: bool = True) -> None:
        super().__init__()
        channels, self.height, self.width = shape
        count = halvings(self.height, self.width)
        widest = width * 2 ** (count - 1)

        def block(convolution: nn.Module, features: int) -> list[nn.Module]:
            return [convolution, *([nn.BatchNorm2d(features)] if batch_norm else []), nn.ReLU()]

        kernel = start(self.height, self.width, count)
        layers = block(nn.ConvTranspose2d(latent_dim, widest, kernel, bias=not batch_norm), widest)
        for k in range(count - 1):
            before, after = widest // 2**k, widest // 2 ** (k + 1)
            layers += block(nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=not batch_norm), after)
        layers += [nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(initialise)

    def forward(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, C, H, W)`."""
        return self.layers(z[:, :, None, None])[:, :, : self.height, : self.width]


class DCGANDiscriminator(nn.Module):
    """`(B, C, H, W)` -> `(B,)` logits, by strided convolutions.

    Args:
        shape: (C, H, W), each side at least 4.
        width: channels behind the first layer; they double at every halving.
        batch_norm: behind every layer but the first and the last; a gradient penalty forbids it.
        spectral: instead, the largest singular value of every layer (Miyato 2018, arXiv 1802.05957); 0: free.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 64, batch_norm: bool = True, spectral: float = 0.0) -> None:
        super().__init__()
        channels, height, breadth = shape
        layers: list[nn.Module] = []
        before = channels
        for k in range(halvings(height, breadth)):
            after = width * 2**k
            with_norm = batch_norm and k > 0
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not with_norm))
            layers += [*([nn.BatchNorm2d(after)] if with_norm else []), nn.LeakyReLU(0.2)]
            before, height, breadth = after, height // 2, breadth // 2
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(before * height * breadth, 1, bias=False)
        self.apply(initialise)
        if spectral:
            constrain_spectrum(self, spectral)

    def features(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B, F)`: what the last layer sees."""
        return self.trunk(x).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, C, H, W)` -> `(B,)`."""
        return self.head(self.features(x)).squeeze(1)


def initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02²), batch norm's from N(1, 0.02²), biases 0 (the paper's section 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
