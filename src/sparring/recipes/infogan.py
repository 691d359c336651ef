"""A code in the noise that a third network can read back from the picture.

    D:  -E[log D(x)] - E[log(1 - D(G(z, c)))]
    G, Q:  -E[log D(G(z, c))] - λ E[log Q(c | G(z, c))]

The code c is one category of `categories`, and `continuous` values uniform on [-1, 1]. Q reads D's features by a
head of its own: a softmax for the category, a mean and a log-variance for each continuous value.

Deviations: docs/recipes/infogan.md.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gaussian_nll_loss, one_hot

from sparring.game import Game, Latent, Part, Player, Step
from sparring.kinds import Schema
from sparring.objectives import Terms, non_saturating
from sparring.recipes._duel import Featured, PairOptions, pair, shape_of
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(PairOptions):
    """The paper's code for digits, ten categories and two continuous values, on the default's fast networks."""

    lr: Varying = Field(2e-3, gt=0, description="learning rate of both")
    categories: int = Field(10, gt=1, description="of the code")
    continuous: int = Field(2, ge=0, description="values of the code, uniform from -1 to 1")
    information: float = Field(1.0, ge=0, description="λ: weight of the code's likelihood")


class Networks(NamedTuple):
    """G; D with `features`; Q, a head on them."""

    G: nn.Module
    D: Featured
    Q: nn.Module


@dataclass(frozen=True)
class Code:
    """The noise of InfoGAN: z, then the category, then the continuous values."""

    z: Latent
    categories: int
    continuous: int

    def __call__(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """`(n, dim)`; the category is one-hot."""
        category = torch.randint(self.categories, (n,), generator=rng, device=rng.device)
        values = Latent(self.continuous, "uniform")(n, rng)
        return torch.cat([self.z(n, rng, truncation), one_hot(category, self.categories).float(), values], dim=1)

    @property
    def parts(self) -> tuple[Part, ...]:
        """z, the category, and each of the continuous values: "value1", "value2", ..."""
        values = (Part(f"value{k}", 1, "uniform") for k in range(1, self.continuous + 1))
        return (*self.z.parts, Part("category", self.categories, "category"), *values)

    @property
    def widths(self) -> list[int]:
        """Of the three parts."""
        return [self.z.dim, self.categories, self.continuous]


def discriminator(noise: Code, net: Networks, step: Step) -> Terms:
    """D alone."""
    real = step.batch["x"]
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng))
    return non_saturating.discriminator(net.D(real), net.D(fake))


def generator(noise: Code, weight: float, net: Networks, step: Step) -> Terms:
    """G, with Q reading the code back; D is held constant."""
    z = noise(len(step.batch["x"]), step.rng)
    features = net.D.features(net.G(z))
    logits = net.D.head(features).squeeze(1)
    _, code, values = z.split(noise.widths, dim=1)
    parts = [noise.categories, noise.continuous, noise.continuous]
    guess, mean, log_variance = net.Q(features).float().split(parts, dim=1)
    information = cross_entropy(guess, code)
    if noise.continuous:
        information = information + gaussian_nll_loss(mean, values, log_variance.exp())
    return non_saturating.generator(logits, logits) | {"information": weight * information}


POINTS = {"lr": 1e-3}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = Code(options.prior(schema), options.categories, options.continuous), shape_of(schema)
    G, D = pair(options, shape, sum(noise.widths))
    with torch.no_grad():
        features = D.eval().features(torch.zeros(1, *shape)).shape[1]
    Q = nn.Sequential(
        nn.Linear(features, 128), nn.LeakyReLU(0.1), nn.Linear(128, options.categories + 2 * options.continuous)
    )
    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(G, D, Q),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise), for_D),
            Player("generator", ("G", "Q"), partial(generator, noise, options.information), for_G),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=lambda net, batch: net.D(batch["x"]),
        decay=options.ema,
    )


RECIPE = Recipe(
    "infogan",
    "InfoGAN (Chen et al. 2016)",
    "1606.03657",
    "finds categories and directions without labels",
    Options,
    build,
    POINTS,
)
