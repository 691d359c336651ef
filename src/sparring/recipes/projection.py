"""D's score is what it thinks of the example, plus how far its features lie in the direction of the label.

    D(x, y) = <embed(y), φ(x)> + ψ(φ(x)), every layer and the embedding with largest singular value 1
    D:  E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
    G:  -E[D(G(z, y), y)]

Deviations: docs/recipes/projection.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import constrain_spectrum
from sparring.objectives import Terms, hinge
from sparring.recipes._duel import Featured, PairOptions, pair, shape_of
from sparring.recipes._labels import classes_for, told
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(PairOptions):
    """The paper's D and objective, with the default's fast networks."""

    batch: int = Field(32, gt=0, description="examples a step")
    lr: Varying = Field(2e-3, gt=0, description="learning rate of both")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: Varying = Field(0.99, ge=0, lt=1, description="Adam's β2")


class Networks(NamedTuple):
    """G of noise and label; D, whose head is ψ; E, the embedding of labels in D's features."""

    G: nn.Module
    D: Featured
    E: nn.Embedding


def judged(net: Networks, x: Tensor, y: Tensor) -> Tensor:
    """`(B,)`: D(x, y)."""
    features = net.D.features(x)
    return net.D.head(features).squeeze(1) + (net.E(y) * features).sum(1)


def discriminator(noise: Latent, classes: int, net: Networks, step: Step) -> Terms:
    """D and E, which see reals and fakes in one pass: no layer looks across the batch."""
    x, y = step.batch["x"], step.batch["y"]
    with torch.no_grad():
        fake = net.G(told(noise(len(y), step.rng), y, classes)).float()
    return hinge.discriminator(*judged(net, torch.cat([x, fake]), torch.cat([y, y])).chunk(2))


def generator(noise: Latent, classes: int, net: Networks, step: Step) -> Terms:
    """G alone; D and E are held constant."""
    y = step.batch["y"]
    scores = judged(net, net.G(told(noise(len(y), step.rng), y, classes)).float(), y)
    return hinge.generator(scores, scores)


POINTS = {"lr": 1e-3}
"""The defaults for points, where they are not those above; see the page."""

COLOUR = {"batch": 64, "lr": 1e-3, "decay_from": 0.5}
"""The defaults for pictures of more than one channel; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape, classes = options.prior(schema), shape_of(schema), classes_for("projection", schema)
    G, D = pair(options, shape, noise.dim + classes, batch_norm=False, spectral=True)
    E = nn.Embedding(classes, D.head.in_features)
    constrain_spectrum(E)

    def sample(net: Networks, z: Tensor, given: Batch) -> Tensor:
        return net.G(told(z, given["y"], classes))

    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(G, D, E),
        players=(
            Player("discriminator", ("D", "E"), partial(discriminator, noise, classes), for_D),
            Player("generator", ("G",), partial(generator, noise, classes), for_G),
        ),
        noise=noise,
        sample=sample,
        critic=lambda net, batch: judged(net, batch["x"], batch["y"]),
        given=("y",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "projection",
    "cGANs with Projection Discriminator (Miyato and Koyama 2018)",
    "1802.05637",
    "the label is projected on D's features: start here for a class that is asked for",
    Options,
    build,
    POINTS,
    COLOUR,
)
