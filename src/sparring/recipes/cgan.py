"""Both players are told the label: G makes an example of it, D judges whether example and label belong together.

D:  -E[log D(x, y)] - E[log(1 - D(G(z, y), y))]
G:  -E[log D(G(z, y), y)]

The label is one-hot: beside z for G, and beside the numbers or as channels of the picture for D.

Deviations: docs/recipes/cgan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.objectives import Terms, non_saturating
from sparring.recipes._duel import PairOptions, pair, shape_of
from sparring.recipes._labels import classes_for, told
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(PairOptions):
    """The paper's objective, with the default's fast networks."""

    batch: int = Field(32, gt=0, description="examples a step")
    lr: Varying = Field(2e-3, gt=0, description="learning rate of both")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: Varying = Field(0.99, ge=0, lt=1, description="Adam's β2")


class Networks(NamedTuple):
    """G of noise and label; D of example and label."""

    G: nn.Module
    D: nn.Module


def discriminator(noise: Latent, classes: int, net: Networks, step: Step) -> Terms:
    """D alone. Its fakes are of the labels of its reals."""
    x, y = step.batch["x"], step.batch["y"]
    with torch.no_grad():
        fake = net.G(told(noise(len(y), step.rng), y, classes)).float()
    return non_saturating.discriminator(net.D(told(x, y, classes)), net.D(told(fake, y, classes)))


def generator(noise: Latent, classes: int, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant."""
    y = step.batch["y"]
    fake = net.G(told(noise(len(y), step.rng), y, classes)).float()
    scores = net.D(told(fake, y, classes))
    return non_saturating.generator(scores, scores)


POINTS = {"lr": 1e-3}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape, classes = options.prior(schema), shape_of(schema), classes_for("cgan", schema)
    seen = (shape[0] + classes, *shape[1:])
    G, D = pair(options, shape, noise.dim + classes, seen=seen, batch_norm=False, spectral=True)

    def sample(net: Networks, z: Tensor, given: Batch) -> Tensor:
        return net.G(told(z, given["y"], classes))

    def critic(net: Networks, batch: Batch) -> Tensor:
        return net.D(told(batch["x"], batch["y"], classes))

    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(G, D),
        players=(
            Player("discriminator", ("D",), partial(discriminator, noise, classes), for_D),
            Player("generator", ("G",), partial(generator, noise, classes), for_G),
        ),
        noise=noise,
        sample=sample,
        critic=critic,
        given=("y",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "cgan",
    "Conditional Generative Adversarial Nets (Mirza and Osindero 2014)",
    "1411.1784",
    "makes examples of a class that is asked for; needs labels",
    Options,
    build,
    POINTS,
)
