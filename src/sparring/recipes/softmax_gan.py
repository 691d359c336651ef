"""One softmax over all of a batch: D gives its probability to the reals, G wants it shared by all.

D:  log Z - mean of D over the reals            at least log |reals|
G:  log Z - mean of D over reals and fakes      at least log (|reals| + |fakes|)

Z is the sum of exp D over reals and fakes.

Deviations: docs/recipes/softmax-gan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.objectives import Terms
from sparring.recipes._duel import PairOptions, pair, shape_of
from sparring.recipes.recipe import Recipe


class Options(PairOptions):
    """The paper's game."""


class Networks(NamedTuple):
    """The generator and the discriminator."""

    G: nn.Module
    D: nn.Module


def discriminator(noise: Latent, net: Networks, step: Step) -> Terms:
    """D alone; nothing has to be frozen by hand."""
    real = step.batch["x"]
    with torch.no_grad():
        fake = net.G(noise(len(real), step.rng))
    on_real, on_fake = net.D(real).float(), net.D(fake).float()
    return {"softmax": torch.cat([on_real, on_fake]).logsumexp(0) - on_real.mean()}


def generator(noise: Latent, net: Networks, step: Step) -> Terms:
    """G alone. The reals take part in Z, but carry no gradient."""
    real = step.batch["x"]
    scores = torch.cat([net.D(real), net.D(net.G(noise(len(real), step.rng)))]).float()
    return {"softmax": scores.logsumexp(0) - scores.mean()}


def critic(net: Networks, batch: Batch) -> Tensor:
    """`(B,)`: the score of each example."""
    return net.D(batch["x"])


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = options.prior(schema), shape_of(schema)
    G, D = pair(options, shape, noise.dim)
    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(G, D),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise), for_D),
            Player("generator", ("G",), partial(generator, noise), for_G),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=critic,
        decay=options.ema,
    )


RECIPE = Recipe(
    "softmax-gan",
    "Softmax GAN (Lin 2017)",
    "1704.06191",
    "one softmax over reals and fakes together",
    Options,
    build,
)
