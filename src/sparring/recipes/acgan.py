"""D also names the class, of reals and of fakes, and G makes examples whose class is named rightly.

    D, C:  -E[log D(x)] - E[log(1 - D(G(z, y)))] - w E[log C(y | x)] - w E[log C(y | G(z, y))]
    G:  -E[log D(G(z, y))] - w E[log C(y | G(z, y))]

C is a head on D's features. The labels of fakes are those that they were made of.

Deviations: docs/recipes/acgan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.objectives import Terms, non_saturating
from sparring.recipes._duel import Featured, PairOptions, pair, shape_of
from sparring.recipes._labels import classes_for, told
from sparring.recipes.recipe import DECAY_FROM, Recipe
from sparring.schedules import Varying


class Options(PairOptions):
    """The paper's game, on the default's fast networks."""

    lr: Varying = Field(2e-3, gt=0, description="learning rate of both")
    decay_from: float = Field(0.5, ge=0, le=1, description=DECAY_FROM)
    classify: float = Field(1.0, gt=0, description="w: weight of the class's likelihood, on both sides")


class Networks(NamedTuple):
    """G of noise and label; D; C, the classes' head on D's features."""

    G: nn.Module
    D: Featured
    C: nn.Linear


def judged(net: Networks, x: Tensor) -> tuple[Tensor, Tensor]:
    """The logits of being real, `(B,)`, and of the classes, `(B, classes)`, float32."""
    features = net.D.features(x)
    return net.D.head(features).squeeze(1), net.C(features).float()


def discriminator(noise: Latent, classes: int, weight: float, net: Networks, step: Step) -> Terms:
    """D and C. The labels of the batch are the prior's: fakes are made of them too."""
    x, y = step.batch["x"], step.batch["y"]
    with torch.no_grad():
        fake = net.G(told(noise(len(y), step.rng), y, classes)).float()
    (real_logit, real_class), (fake_logit, fake_class) = judged(net, x), judged(net, fake)
    return non_saturating.discriminator(real_logit, fake_logit) | {
        "real_class": weight * cross_entropy(real_class, y),
        "fake_class": weight * cross_entropy(fake_class, y),
    }


def generator(noise: Latent, classes: int, weight: float, net: Networks, step: Step) -> Terms:
    """G alone; D and C are held constant."""
    y = step.batch["y"]
    logit, named = judged(net, net.G(told(noise(len(y), step.rng), y, classes)).float())
    return non_saturating.generator(logit, logit) | {"class": weight * cross_entropy(named, y)}


POINTS = {"lr": 1e-3}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    noise, shape, classes = options.prior(schema), shape_of(schema), classes_for("acgan", schema)
    G, D = pair(options, shape, noise.dim + classes)

    def sample(net: Networks, z: Tensor, given: Batch) -> Tensor:
        return net.G(told(z, given["y"], classes))

    for_G, for_D = options.optimizers()
    return Game(
        networks=Networks(G, D, nn.Linear(D.head.in_features, classes)),
        players=(
            Player("discriminator", ("D", "C"), partial(discriminator, noise, classes, options.classify), for_D),
            Player("generator", ("G",), partial(generator, noise, classes, options.classify), for_G),
        ),
        noise=noise,
        sample=sample,
        critic=lambda net, batch: net.D(batch["x"]),
        given=("y",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "acgan",
    "Conditional Image Synthesis with Auxiliary Classifier GANs (Odena et al. 2016)",
    "1610.09585",
    "D also names the class; needs labels",
    Options,
    build,
    POINTS,
)
