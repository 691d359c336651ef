"""An encoder learned beside the generator: D judges examples together with their codes.

    D:  -E[log D(x, E(x))] - E[log(1 - D(G(z), z))]
    G, E:  -E[log D(G(z), z)] - E[log(1 - D(x, E(x)))]

E reads a code from a real, G makes an example of a code; where D can no longer tell the two kinds of pairs apart, each
undoes the other.

Deviations: docs/recipes/bigan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import softplus

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.objectives import Terms, non_saturating
from sparring.recipes._duel import NETWORK, Network, PairOptions, pair, shape_of
from sparring.recipes._encoders import JointDiscriminator, encoder
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(PairOptions):
    """The paper's Adam: a rate of 2e-4, β1 of 0.5."""

    network: Network = Field("dcgan", description=NETWORK)
    lr: Varying = Field(2e-4, gt=0, description="learning rate of all")


class Networks(NamedTuple):
    """G of a code; E of an example; D of both."""

    G: nn.Module
    E: nn.Module
    D: nn.Module


def discriminator(noise: Latent, net: Networks, step: Step) -> Terms:
    """D alone: a real with the code that E gives it, a fake with the code that it was made of."""
    x = step.batch["x"]
    with torch.no_grad():
        z = noise(len(x), step.rng)
        code, fake = net.E(x).float(), net.G(z).float()
    return non_saturating.discriminator(net.D(x, code), net.D(fake, z))


def generator(noise: Latent, net: Networks, step: Step) -> Terms:
    """G and E, each making its own pairs look like the other's; D is held constant."""
    x = step.batch["x"]
    z = noise(len(x), step.rng)
    made, read = net.D(net.G(z).float(), z), net.D(x, net.E(x).float())
    return {"fake": softplus(-made.float()).mean(), "real": softplus(read.float()).mean()}


def critic(net: Networks, batch: Batch) -> Tensor:
    """`(B,)`: how much an example and the code that E gives it look like a real's."""
    return net.D(batch["x"], net.E(batch["x"]))


POINTS = {"lr": 1e-3, "latent_dim": 2}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = options.prior(schema), shape_of(schema)
    G, body = pair(options, shape, noise.dim)
    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(G, encoder(options, shape, noise.dim), JointDiscriminator(body, noise.dim)),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise), for_D),
            Player("generator", ("G", "E"), partial(generator, noise), for_G),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=critic,
        average=("G", "E"),
        decay=options.ema,
        encode=lambda net, x: net.E(x),
    )


RECIPE = Recipe(
    "bigan",
    "Adversarial Feature Learning (Donahue et al. 2016)",
    "1605.09782",
    "an encoder beside the generator: examples become codes and back",
    Options,
    build,
    POINTS,
)
