"""Completion: what belongs into the hole of a picture, from what is around it.

    G:  λ E[|m (x - G(x̂))|^2] - η E[log D(c)]
    D:  -E[log D(x)] - E[log(1 - D(c))],  c = (1 - m) x + m G(x̂)

x̂ is the picture with its hole, m is 1 in the hole, c the completed picture. The error is averaged over the hole.

Deviations: docs/recipes/context-encoder.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import nn

from sparring.data import Holed
from sparring.data.derived import Mask
from sparring.game import Game, Player, Step
from sparring.kinds import Schema
from sparring.networks import DCGANDiscriminator, UNet, depth_for
from sparring.objectives import Terms, non_saturating
from sparring.recipes._translating import AdamOptions, Completed, hole_error, holes, nothing
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The paper's section 3.2, narrower."""

    batch: int = Field(32, gt=0, description="pictures a step")
    lr: Varying = Field(2e-3, gt=0, description="learning rate of G")
    lr_d: float = Field(2e-4, gt=0, description="learning rate of D; the paper's is a tenth of G's")
    mask: Mask = Field("center", description="the hole: a box in the center, or a random one for each picture")
    share: float = Field(0.5, gt=0, le=1, description="the hole's sides, as a share of the picture's, at most")
    skips: bool = Field(False, description="join G's decoder with its encoder, which the paper's G is not")
    pixels: float = Field(0.999, ge=0, description="λ: weight of the squared error in the hole")
    adversarial: float = Field(0.001, ge=0, description="η: weight of D's judgement")


class Networks(NamedTuple):
    """G completes pictures; D judges whole ones."""

    G: nn.Module
    D: nn.Module


def generator(options: Options, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant, and is left what G completed."""
    holed, x = step.batch["a"], step.batch["b"]
    made = net.G(holed)
    step.left["made"] = made.detach()
    terms: Terms = {}
    if options.adversarial:
        score = net.D(made)
        terms["fake"] = options.adversarial * non_saturating.generator(score, score)["fake"]
    if options.pixels:
        terms["pixels"] = options.pixels * hole_error(made, x, holed)
    return terms


def discriminator(net: Networks, step: Step) -> Terms:
    """D alone, on pictures and on completed ones; it is not told where the hole was."""
    return non_saturating.discriminator(net.D(step.batch["b"]), net.D(step.left["made"]))


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = holes("context-encoder", schema)
    G = Completed(UNet(a[0], b[0], options.width, depth_for(*b[1:]), skips=options.skips))
    return Game(
        networks=Networks(G, DCGANDiscriminator(b, options.width)),
        players=(
            Player("generator", ("G",), partial(generator, options), options.optimizer()),
            Player("discriminator", ("D",), discriminator, options.optimizer(options.lr_d)),
        ),
        noise=nothing,
        sample=lambda net, noise, given: net.G(given["a"]),
        critic=lambda net, batch: net.D(batch["b"]),
        makes="b",
        given=("a",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "context-encoder",
    "Context Encoders: Feature Learning by Inpainting (Pathak et al. 2016)",
    "1604.07379",
    "completes pictures with a hole",
    Options,
    build,
    takes="pairs",
    derive=lambda options, data: Holed(data, options.mask, options.share),
)
