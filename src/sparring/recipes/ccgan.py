"""Completion judged by D alone, whose features also name the class where there are labels.

    D, C:  -E[log D(x)] - E[log(1 - D(c))] - λ E[log C(y | x)],  c = (1 - m) x + m G(x̂)
    G:  -E[log D(c)]

x̂ is the picture with its hole, m is 1 in the hole, c the completed picture. C is a head on D's features.

Deviations: docs/recipes/ccgan.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import nn
from torch.nn.functional import cross_entropy

from sparring.data import Holed
from sparring.data.derived import Mask
from sparring.game import Game, Player, Step
from sparring.kinds import Schema, classes_of
from sparring.networks import DCGANDiscriminator, UNet, depth_for
from sparring.objectives import Terms, non_saturating
from sparring.recipes._translating import AdamOptions, Completed, holes, nothing
from sparring.recipes.recipe import Recipe


class Options(AdamOptions):
    """The paper's CC-GAN, narrower."""

    batch: int = Field(32, gt=0, description="pictures a step")
    mask: Mask = Field("random", description="the hole: a box in the center, or a random one for each picture")
    share: float = Field(0.6, gt=0, le=1, description="the hole's sides, as a share of the picture's, at most")
    classify: float = Field(1.0, ge=0, description="λ: weight of the class's likelihood, where there are labels")


class Networks(NamedTuple):
    """G completes pictures; D judges whole ones; C, the classes' head on D's features, if there are any."""

    G: nn.Module
    D: DCGANDiscriminator
    C: nn.Module


def generator(net: Networks, step: Step) -> Terms:
    """G alone; D is held constant, and is left what G completed."""
    made = net.G(step.batch["a"])
    step.left["made"] = made.detach()
    score = net.D(made)
    return non_saturating.generator(score, score)


def discriminator(classes: int, weight: float, net: Networks, step: Step) -> Terms:
    """D and C; the class is asked of whole pictures alone."""
    features = net.D.features(step.batch["b"])
    terms = non_saturating.discriminator(net.D.head(features).squeeze(1), net.D(step.left["made"]))
    if classes and weight:
        terms["class"] = weight * cross_entropy(net.C(features).float(), step.batch["y"])
    return terms


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = holes("ccgan", schema)
    D, classes = DCGANDiscriminator(b, options.width), len(classes_of(schema))
    C = nn.Linear(D.head.in_features, classes) if classes else nn.Identity()
    return Game(
        networks=Networks(Completed(UNet(a[0], b[0], options.width, depth_for(*b[1:]))), D, C),
        players=(
            Player("generator", ("G",), generator, options.optimizer()),
            Player("discriminator", ("D", "C"), partial(discriminator, classes, options.classify), options.optimizer()),
        ),
        noise=nothing,
        sample=lambda net, noise, given: net.G(given["a"]),
        critic=lambda net, batch: net.D(batch["b"]),
        makes="b",
        given=("a",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "ccgan",
    "Semi-Supervised Learning with Context-Conditional Generative Adversarial Networks (Denton et al. 2016)",
    "1611.06430",
    "completes pictures with a hole, and names their class",
    Options,
    build,
    takes="pairs",
    derive=lambda options, data: Holed(data, options.mask, options.share),
)
