"""D is an autoencoder, and the energy of an example is its error there: low for reals, a margin at least for fakes.

D:  E[e(x)] + E[max(0, m - e(G(z)))]
G:  E[e(G(z))] + w f_PT

e(v) is the mean square of D(v) - v. f_PT, the pulling-away term, is the mean of cos²(s_i, s_j) over the pairs i ≠ j of
a batch, s the codes of the fakes.

Deviations: docs/recipes/ebgan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import Autoencoder
from sparring.objectives import Terms
from sparring.recipes._autoencoding import CodeOptions, generator_and_autoencoder
from sparring.recipes._duel import NETWORK, Network
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(CodeOptions):
    """The paper's EBGAN-PT; with `pulling_away` of 0 its EBGAN."""

    network: Network = Field("dcgan", description=NETWORK)
    lr: Varying = Field(2e-4, gt=0, description="learning rate of both")
    margin: float = Field(0.2, gt=0, description="m: the energy that fakes should have at least")
    pulling_away: float = Field(0.1, ge=0, description="w: weight of the term that pulls the codes of fakes apart")


class Networks(NamedTuple):
    """The generator, and the autoencoder that judges."""

    G: nn.Module
    D: Autoencoder


def energy(errors: Tensor) -> Tensor:
    """`(B,)`: the mean square error of each example's reconstruction."""
    return errors.square().flatten(1).mean(1)


def pulled_away(codes: Tensor) -> Tensor:
    """The mean of cos² over all pairs of different codes, `(B, code)`; 0 for a single one (eq. 4)."""
    n = len(codes)
    directions = normalize(codes.float(), dim=1)
    squares = (directions @ directions.T).square()
    return (squares.sum() - squares.trace()) / max(1, n * (n - 1))


def discriminator(noise: Latent, margin: float, net: Networks, step: Step) -> Terms:
    """D alone."""
    real = step.batch["x"]
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng)).float()
    return {
        "real": energy(net.D.errors(real)[0]).mean(),
        "fake": relu(margin - energy(net.D.errors(fake)[0])).mean(),
    }


def generator(noise: Latent, weight: float, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant."""
    fake = net.G(noise(len(step.batch["x"]), step.rng)).float()
    errors, codes = net.D.errors(fake)
    terms = {"fake": energy(errors).mean()}
    return terms | {"pulling_away": weight * pulled_away(codes)} if weight else terms


def critic(net: Networks, batch: Batch) -> Tensor:
    """`(B,)`: minus the energy."""
    return -energy(net.D.errors(batch["x"])[0])


POINTS = {"lr": 1e-3, "code": 2, "margin": 1.0}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise = options.prior(schema)
    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(*generator_and_autoencoder(options, schema)),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise, options.margin), for_D),
            Player("generator", ("G",), partial(generator, noise, options.pulling_away), for_G),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=critic,
        decay=options.ema,
    )


RECIPE = Recipe(
    "ebgan",
    "Energy-based Generative Adversarial Network (Zhao et al. 2016)",
    "1609.03126",
    "D is an autoencoder that fails on fakes, by a margin",
    Options,
    build,
    POINTS,
)
