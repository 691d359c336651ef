"""Pairs of pictures of two kinds, learned without pairs: both are made from one noise, through shared layers.

    D_A, D_B:  -E[log D_A(a)] - E[log(1 - D_A(G_A(z)))] - E[log D_B(b)] - E[log(1 - D_B(G_B(z)))]
    G_A, G_B:  -E[log D_A(G_A(z))] - E[log D_B(G_B(z))]

G_A and G_B share their first layers, D_A and D_B their last ones: G(z) is both pictures.

Deviations: docs/recipes/cogan.md.
"""

from functools import partial
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import CoupledDiscriminator, CoupledGenerator
from sparring.objectives import Terms, non_saturating
from sparring.recipes._translating import AdamOptions, marked, shapes
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The paper's game, with the default's fast networks."""

    batch: int = Field(32, gt=0, description="examples of each kind a step")
    width: int = Field(12, gt=0, description="of all networks")
    latent_dim: int = Field(64, gt=0, description="of the noise")
    latent: Literal["normal", "uniform"] = Field("normal", description="its distribution")
    lr: Varying = Field(2e-3, gt=0, description="learning rate of all")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: float = Field(0.99, ge=0, lt=1, description="Adam's β2")


class Networks(NamedTuple):
    """G makes a picture of either kind; D judges one of either."""

    G: nn.Module
    D: CoupledDiscriminator


def discriminator(noise: Latent, net: Networks, step: Step) -> Terms:
    """D_A and D_B."""
    a, b = step.batch["a"], step.batch["b"]
    with torch.no_grad():
        made_a, made_b = net.G(noise(len(a), step.rng))
    (real_a, real_b), (fake_a, fake_b) = net.D(a, b), net.D(made_a, made_b)
    terms = marked(non_saturating.discriminator(real_a, fake_a), "a")
    return terms | marked(non_saturating.discriminator(real_b, fake_b), "b")


def generator(noise: Latent, net: Networks, step: Step) -> Terms:
    """G_A and G_B; both discriminators are held constant."""
    made_a, made_b = net.G(noise(len(step.batch["a"]), step.rng))
    a, b = net.D(made_a, made_b)
    return marked(non_saturating.generator(a, a), "a") | marked(non_saturating.generator(b, b), "b")


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much a picture of kind b looks like one, `(B,)`."""
    return net.D.of(1, batch["b"])


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = shapes("cogan", schema)
    noise = Latent(options.latent_dim, options.latent)
    optimizer = options.optimizer(beta2=options.beta2)
    return Game(
        networks=Networks(CoupledGenerator(noise.dim, a, b, options.width), CoupledDiscriminator(a, b, options.width)),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise), optimizer),
            Player("generator", ("G",), partial(generator, noise), optimizer),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(z)[1],
        critic=critic,
        makes="b",
        decay=options.ema,
    )


RECIPE = Recipe(
    "cogan",
    "Coupled Generative Adversarial Networks (Liu and Tuzel 2016)",
    "1606.07536",
    "makes pairs of two kinds of pictures, without having seen one",
    Options,
    build,
    takes="domains",
)
