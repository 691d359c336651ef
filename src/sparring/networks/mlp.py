"""Fully connected networks: for points, and for pictures flattened, as in the first GAN.

References:
    Goodfellow et al. 2014, arXiv 1406.2661, section 5 (an MLP generator and discriminator on MNIST).
"""

import math
from itertools import pairwise

from torch import Tensor, nn

from sparring.networks.spectral import constrain_spectrum


class MLPGenerator(nn.Module):
    """`(B, latent_dim)` -> `(B, *shape)`; pictures end in tanh, points are unbounded.

    Args:
        latent_dim: the noise's dimension.
        shape: (C, H, W) or (D,).
        width: of every hidden layer.
        depth: hidden layers; 0 makes the generator linear.
        batch_norm: after every hidden layer.
    """

    def __init__(
        self, latent_dim: int, shape: tuple[int, ...], width: int = 256, depth: int = 3, batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.shape = shape
        widths = [latent_dim, *[width] * depth]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Linear(before, after, bias=not batch_norm),
                *([nn.BatchNorm1d(after)] if batch_norm else []),
                nn.ReLU(),
            ]
        layers.append(nn.Linear(widths[-1], math.prod(shape)))
        if len(shape) == 3:
            layers.append(nn.Tanh())
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """`(B, latent_dim)` -> `(B, *shape)`."""
        return self.layers(z).unflatten(1, self.shape)


class MLPDiscriminator(nn.Module):
    """`(B, *shape)` -> `(B,)` logits.

    Args:
        shape: (C, H, W) or (D,).
        width: of every hidden layer.
        depth: hidden layers.
        spectral: the largest singular value of every layer (Miyato 2018, arXiv 1802.05957); 0: free.
        dropout: the share of hidden units that are silent at a step.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        width: int = 256,
        depth: int = 3,
        spectral: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        widths = [math.prod(shape), *[width] * depth]
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2), *([nn.Dropout(dropout)] if dropout else [])]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], 1, bias=False)
        if spectral:
            constrain_spectrum(self, spectral)

    def features(self, x: Tensor) -> Tensor:
        """`(B, *shape)` -> `(B, width)`: what the last layer sees."""
        return self.trunk(x)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, *shape)` -> `(B,)`."""
        return self.head(self.features(x)).squeeze(1)
