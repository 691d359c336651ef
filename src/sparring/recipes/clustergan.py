"""Noise of one category and a little variation, which an encoder reads back from the example: clusters without labels.

    critic:  E[D(G(z))] - E[D(x)] + λ E[(|∇D(x̂)| - 1)^2], x̂ uniform between a real and a fake
    G, E:  -E[D(G(z))] + β_n E|z_n - E_n(G(z) + ε)|^2 + β_c E[H(z_c, E_c(G(z) + ε))]

z is (z_n, z_c): z_n normal of a small standard deviation σ, z_c one-hot. H is the cross-entropy. ε, normal noise, hides
from E what is in no real example.

Deviations: docs/recipes/clustergan.md.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from sparring.game import Game, Latent, Part, Player, Step, steps
from sparring.kinds import Schema
from sparring.objectives import Terms, wasserstein
from sparring.penalties import Penalty, gradient_penalty
from sparring.recipes._duel import PairOptions, pair, shape_of
from sparring.recipes._encoders import encoder
from sparring.recipes.recipe import DECAY_FROM, Recipe
from sparring.schedules import Varying


class Options(PairOptions):
    """The paper's algorithm 1, with settings for minutes on a processor."""

    latent_dim: int | None = Field(30, gt=0, description="of the normal part of the noise")
    lr: Varying = Field(1e-3, gt=0, description="learning rate of all; the paper's is 1e-4")
    decay_from: float = Field(0.5, ge=0, le=1, description=DECAY_FROM)
    beta2: Varying = Field(0.9, ge=0, lt=1, description="Adam's β2")
    categories: int = Field(10, gt=1, description="of the noise: the number of clusters")
    spread: float = Field(0.4, gt=0, description="σ: standard deviation of the normal part; the paper's is 0.1")
    n_critic: int = Field(1, gt=0, description="steps of the critic before each step of G; the paper's are 5")
    penalty: float = Field(10.0, ge=0, description="λ: weight of the gradient penalty")
    recover_normal: float = Field(1.0, ge=0, description="β_n: weight of recovering the normal part; the paper's is 10")
    recover_category: float = Field(10.0, ge=0, description="β_c: weight of recovering the category")
    encoder_noise: float = Field(0.3, ge=0, description="standard deviation of ε, on the fakes that E learns to read")


class Networks(NamedTuple):
    """G of noise; E, which reads normal part and logits of the category; the critic D."""

    G: nn.Module
    E: nn.Module
    D: nn.Module


@dataclass(frozen=True)
class Clustered:
    """The noise of ClusterGAN: the normal part, of variance 1, then the category; G is shown it scaled down."""

    normal: Latent
    spread: float
    categories: int

    def __call__(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """`(n, dim + categories)`; the category is one-hot."""
        category = torch.randint(self.categories, (n,), generator=rng, device=rng.device)
        return torch.cat([self.normal(n, rng, truncation), one_hot(category, self.categories).float()], dim=1)

    @property
    def parts(self) -> tuple[Part, ...]:
        """z, then the category."""
        return (*self.normal.parts, Part("category", self.categories, "category"))

    def scaled(self, z: Tensor, by: float | None = None) -> Tensor:
        """With the normal part times `spread`, as G is shown it and E reads it."""
        normal, category = self.apart(z)
        return torch.cat([normal * (self.spread if by is None else by), category], dim=1)

    def apart(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """`(n, dim)` and `(n, categories)`."""
        normal, category = z.split([self.normal.dim, self.categories], dim=1)
        return normal, category


def discriminator(noise: Clustered, penalty: Penalty, net: Networks, step: Step) -> Terms:
    """D alone."""
    x = step.batch["x"]
    with torch.no_grad():
        fake = net.G(noise.scaled(noise(len(x), step.rng))).float()
    return wasserstein.discriminator(net.D(x), net.D(fake)) | penalty(net.D, x, fake, step.rng)


def generator(noise: Clustered, options: Options, net: Networks, step: Step) -> Terms:
    """G, and E reading from its fakes alone; D is held constant."""
    z = noise.scaled(noise(len(step.batch["x"]), step.rng))
    fake = net.G(z).float()
    hidden = options.encoder_noise * torch.randn(fake.shape, generator=step.rng, device=fake.device)
    (normal, category), (read, logits) = noise.apart(z), noise.apart(net.E(fake + hidden).float())
    return {
        "fake": -net.D(fake).float().mean(),
        "normal": options.recover_normal * mse_loss(read, normal),
        "category": options.recover_category * cross_entropy(logits, category),
    }


def encode(noise: Clustered, net: Networks, x: Tensor) -> Tensor:
    """`(B, dim + categories)`: the normal part, and a probability for each category."""
    normal, logits = noise.apart(net.E(x).float())
    return noise.scaled(torch.cat([normal, logits.softmax(1)], dim=1), 1 / noise.spread)


POINTS = {"lr": 2e-3, "decay_from": 1.0, "batch": 128, "latent_dim": 2, "categories": 8, "penalty": 0.1, "n_critic": 2}
POINTS |= {"spread": 0.1, "recover_normal": 10.0, "encoder_noise": 0.0}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = Clustered(options.prior(schema), options.spread, options.categories), shape_of(schema)
    inputs = noise.normal.dim + noise.categories
    G, D = pair(options, shape, inputs, batch_norm=False)
    for_G, for_D = options.optimizers()
    critic = partial(discriminator, noise, gradient_penalty(options.penalty))
    return Game(
        networks=Networks(G, encoder(options, shape, inputs, batch_norm=False), D),
        players=(
            Player("discriminator", ("D",), critic, for_D, steps(options.n_critic)),
            Player("generator", ("G", "E"), partial(generator, noise, options), for_G),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(noise.scaled(z)),
        critic=lambda net, batch: net.D(batch["x"]),
        average=("G", "E"),
        decay=options.ema,
        encode=partial(encode, noise),
    )


RECIPE = Recipe(
    "clustergan",
    "ClusterGAN (Mukherjee et al. 2018)",
    "1809.03627",
    "finds clusters: an encoder reads the category back",
    Options,
    build,
    POINTS,
)
