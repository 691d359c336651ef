"""An autoencoder whose codes an adversary makes look like a prior, so that decoded prior draws are samples.

    autoencoder, E and G:  λ E|G(E(x)) - x|^2
    D:  -E[log D(z)] - E[log(1 - D(E(x)))], z from the prior
    generator, E:  -E[log D(E(x))]

Deviations: docs/recipes/aae.md.
"""

from functools import partial
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import MLPDiscriminator
from sparring.objectives import Terms, non_saturating
from sparring.recipes._duel import PairOptions, pair, shape_of
from sparring.recipes._encoders import encoder
from sparring.recipes.recipe import Recipe


class Options(PairOptions):
    """The paper's codes of 8 values for digits, by Adam."""

    network: Literal["mlp", "dcgan", "shuffle", "resnet"] = Field(
        "shuffle", description="for pictures; points take an mlp"
    )
    latent_dim: int | None = Field(8, gt=0, description="of the code")
    lr: float = Field(1e-3, gt=0, description="learning rate of all but D")
    reconstruction: float = Field(1.0, gt=0, description="λ: weight of the reconstruction")


class Networks(NamedTuple):
    """E of an example; G, the decoder, of a code; D of a code."""

    G: nn.Module
    E: nn.Module
    D: nn.Module


def autoencoder(weight: float, net: Networks, step: Step) -> Terms:
    """E and G: the reconstruction phase."""
    x = step.batch["x"]
    return {"reconstruction": weight * mse_loss(net.G(net.E(x)).float(), x)}


def discriminator(noise: Latent, net: Networks, step: Step) -> Terms:
    """D alone: draws of the prior are the reals, codes of examples the fakes."""
    x = step.batch["x"]
    with torch.no_grad():
        code = net.E(x).float()
    return non_saturating.discriminator(net.D(noise(len(x), step.rng)), net.D(code))


def generator(net: Networks, step: Step) -> Terms:
    """E alone, which is the generator of codes."""
    scores = net.D(net.E(step.batch["x"]).float())
    return non_saturating.generator(scores, scores)


def critic(net: Networks, batch: Batch) -> Tensor:
    """`(B,)`: how much the code of an example looks like a draw of the prior."""
    return net.D(net.E(batch["x"]))


POINTS = {"latent_dim": 2}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape = options.prior(schema), shape_of(schema)
    G, _ = pair(options, shape, noise.dim)
    D = MLPDiscriminator((noise.dim,), options.width_d or options.width or 256, depth=2)
    for_E, for_D = options.optimizers()
    return Game(
        networks=Networks(G, encoder(options, shape, noise.dim), D),
        players=(
            Player("autoencoder", ("E", "G"), partial(autoencoder, options.reconstruction), for_E),
            Player("discriminator", ("D",), partial(discriminator, noise), for_D),
            Player("generator", ("E",), generator, for_E),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z),
        critic=critic,
        makers=("autoencoder",),
        average=("G", "E"),
        decay=options.ema,
        encode=lambda net, x: net.E(x),
    )


RECIPE = Recipe(
    "aae",
    "Adversarial Autoencoders (Makhzani et al. 2015)",
    "1511.05644",
    "an autoencoder whose codes follow a prior",
    Options,
    build,
    POINTS,
)
