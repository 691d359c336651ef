"""The DCGAN of the well-known PyTorch tutorial, in plain PyTorch: the peer that the default recipe is measured by.

Its settings: 64x64 pictures, 64 channels, latent dimension 100, batch 128, Adam with lr 2e-4 and β1 0.5, weights from
N(0, 0.02²), binary cross-entropy, float32, the fakes of D's step used again in G's. Digits are enlarged to 64x64
for it, and its samples are brought back to 28x28 for the referee.
"""

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

LATENT, WIDTH, BATCH = 100, 64, 128


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def generator() -> nn.Module:
    layers: list[nn.Module] = []
    before = LATENT
    for after, stride, padding in ((8, 1, 0), (4, 2, 1), (2, 2, 1), (1, 2, 1)):
        convolution = nn.ConvTranspose2d(before, after * WIDTH, 4, stride, padding, bias=False)
        layers += [convolution, nn.BatchNorm2d(after * WIDTH), nn.ReLU(inplace=True)]
        before = after * WIDTH
    return nn.Sequential(*layers, nn.ConvTranspose2d(before, 1, 4, 2, 1, bias=False), nn.Tanh()).apply(initialise)


def discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(1, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    before = WIDTH
    for after in (2 * WIDTH, 4 * WIDTH, 8 * WIDTH):
        layers += [
            nn.Conv2d(before, after, 4, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        before = after
    return nn.Sequential(*layers, nn.Conv2d(before, 1, 4, 1, 0, bias=False), nn.Flatten(0)).apply(initialise)


def train(digits: np.ndarray, seconds: float, seed: int) -> tuple[nn.Module, int]:
    """Train for so long on uint8 `(N, 28, 28, 1)`.

    Returns:
        The generator, and how many iterations there was time for.
    """
    torch.manual_seed(seed)
    G, D = generator(), discriminator()
    for_G, for_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (G, D))
    x = torch.from_numpy(digits).permute(0, 3, 1, 2).float() / 127.5 - 1
    x = interpolate(x, size=64, mode="bilinear", antialias=True)
    iterations, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for rows in torch.randperm(len(x)).split(BATCH):
            if time.monotonic() >= until:
                break
            step(G, D, for_G, for_D, x[rows])
            iterations += 1
    return G, iterations


def step(G: nn.Module, D: nn.Module, for_G: torch.optim.Optimizer, for_D: torch.optim.Optimizer, real: Tensor) -> None:
    D.zero_grad()
    loss(D(real), 1.0).backward()
    fake = G(torch.randn(len(real), LATENT, 1, 1))
    loss(D(fake.detach()), 0.0).backward()
    for_D.step()
    G.zero_grad()
    loss(D(fake), 1.0).backward()
    for_G.step()


def loss(logits: Tensor, label: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


@torch.no_grad()
def sample(G: nn.Module, n: int, seed: int) -> np.ndarray:
    """uint8 `(n, 28, 28, 1)`: in eval mode, as the default recipe's are."""
    rng = torch.Generator().manual_seed(seed)
    G.eval()
    made = torch.cat([G(torch.randn(100, LATENT, 1, 1, generator=rng)) for _ in range(-(-n // 100))])[:n]
    made = interpolate(made, size=28, mode="bilinear", antialias=True)
    return ((made + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
