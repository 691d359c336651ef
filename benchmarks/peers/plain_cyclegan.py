"""CycleGAN in plain PyTorch, as its best-known loop plays it: the peer that the recipe is measured by.

Zhu et al. 2017, arXiv 1703.10593, sections 3 and 4. The networks, the loss and their weights are the recipe's. One
optimizer moves both translators and one both discriminators: Adam with lr 2e-4 and β1 0.5, whose rates fall to 0 over
the second half of the time. Weights from N(0, 0.02²), batches of 1, pools of 50 fakes of which a D sees an older one
half the time, float32, all pictures in memory.
"""

import random
import time
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss

from sparring.networks import PatchDiscriminator, Translator

WIDTH, DEPTH = 16, 4
CYCLE, IDENTITY, POOL = 10.0, 0.5, 50


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Pool:
    """The last fakes of one translator."""

    def __init__(self) -> None:
        self.fakes: list[Tensor] = []

    def query(self, fake: Tensor) -> Tensor:
        """`(1, C, H, W)` -> the same, or an older one whose place it takes."""
        if len(self.fakes) < POOL:
            self.fakes.append(fake)
            return fake
        if random.random() < 0.5:
            return fake
        place = random.randrange(POOL)
        older, self.fakes[place] = self.fakes[place], fake
        return older


class CycleGAN:
    """Four networks, two optimizers, and one step of both.

    Args:
        shape: (C, H, W), of both kinds of pictures.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.G, self.F = (Translator(shape[0], shape[0], WIDTH, DEPTH).apply(initialise) for _ in range(2))
        self.D_A, self.D_B = (PatchDiscriminator(shape, WIDTH).apply(initialise) for _ in range(2))
        self.pool_A, self.pool_B = Pool(), Pool()
        self.for_translators, self.for_discriminators = (
            torch.optim.Adam(chain(one.parameters(), other.parameters()), lr=2e-4, betas=(0.5, 0.999))
            for one, other in ((self.G, self.F), (self.D_A, self.D_B))
        )

    def step(self, a: Tensor, b: Tensor) -> None:
        """One of each: `(1, C, H, W)`, from -1 to 1."""
        fake_b, fake_a = self.G(a), self.F(b)
        back_a, back_b = self.F(fake_b), self.G(fake_a)
        self._freeze(True)
        self.for_translators.zero_grad()
        identity = CYCLE * IDENTITY * (l1_loss(self.G(b), b) + l1_loss(self.F(a), a))
        adversarial = judged(self.D_B(fake_b), 1.0) + judged(self.D_A(fake_a), 1.0)
        (adversarial + CYCLE * (l1_loss(back_a, a) + l1_loss(back_b, b)) + identity).backward()
        self.for_translators.step()
        self._freeze(False)
        self.for_discriminators.zero_grad()
        for D, real, fake, pool in ((self.D_A, a, fake_a, self.pool_A), (self.D_B, b, fake_b, self.pool_B)):
            ((judged(D(real), 1.0) + judged(D(pool.query(fake.detach())), 0.0)) / 2).backward()
        self.for_discriminators.step()

    def slow_down(self, progress: float) -> None:
        """Rates that fall over the second half, at this part of the run, 0 to 1."""
        for optimizer in (self.for_translators, self.for_discriminators):
            for group in optimizer.param_groups:
                group["lr"] = 2e-4 * min(1.0, 2 * (1 - progress))

    def _freeze(self, frozen: bool) -> None:
        for parameter in chain(self.D_A.parameters(), self.D_B.parameters()):
            parameter.requires_grad_(not frozen)


def judged(scores: Tensor, target: float) -> Tensor:
    return mse_loss(scores, torch.full_like(scores, target))


def train(a: np.ndarray, b: np.ndarray, seconds: float, seed: int) -> tuple[CycleGAN, int]:
    """Train for so long on uint8 `(N, C, H, W)` of each kind.

    Returns:
        The game, and how many iterations there was time for.
    """
    torch.manual_seed(seed)
    random.seed(seed)
    game = CycleGAN(a.shape[1:])
    first, second = (torch.from_numpy(each).float() / 127.5 - 1 for each in (a, b))
    iterations, began = 0, time.monotonic()
    while True:
        for row in torch.randperm(len(first)).tolist():
            spent = time.monotonic() - began
            if spent >= seconds:
                return game, iterations
            game.slow_down(spent / seconds)
            other = random.randrange(len(second))
            game.step(first[row : row + 1], second[other : other + 1])
            iterations += 1


@torch.no_grad()
def translate(game: CycleGAN, a: Tensor) -> Tensor:
    """`(N, C, H, W)` of the first kind -> of the second, from -1 to 1."""
    game.G.eval()
    return torch.cat([game.G(part) for part in a.split(50)])
