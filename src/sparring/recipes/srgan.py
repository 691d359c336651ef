"""Super-resolution: a picture four times larger, whose details are plausible where they cannot be known.

    G, for a share of the run:  E|b - G(a)|^2
    G, from then on:  w E|b - G(a)|^2 + v E[distance of φ(b) and φ(G(a))] - η E[log D(G(a))]
    D, from then on:  -E[log D(b)] - E[log(1 - D(G(a)))]

a is b, reduced. φ are features of a fixed network that nobody trains.

Deviations: docs/recipes/srgan.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import nn
from torch.nn.functional import mse_loss

from sparring.data import Reduced
from sparring.game import Game, Player, Step
from sparring.kinds import Schema
from sparring.networks import SRResNet, StridedDiscriminator
from sparring.objectives import Terms, non_saturating
from sparring.recipes._perceptual import FEATURES, Fixed, Perceptual
from sparring.recipes._translating import AdamOptions, factor_between, nothing
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The paper's section 2, on a small network."""

    batch: int = Field(16, gt=0, description="pictures a step")
    width: int = Field(24, gt=0, description="of both networks; the paper's is 64")
    depth: int = Field(4, gt=0, description="residual blocks; the paper's are 16")
    factor: int = Field(4, ge=2, description="by which pictures are reduced, where no pairs are given")
    lr: Varying = Field(5e-4, gt=0, description="learning rate of both; the paper's is 1e-4")
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's β1")
    pretrain: float = Field(0.5, ge=0, le=1, description="share of the run that is the squared error alone")
    pixels: float = Field(1.0, ge=0, description="w: weight of the squared error, after that")
    features: Fixed = Field("random", description=FEATURES)
    perceptual: float = Field(0.1, ge=0, description="v: weight of their distance")
    adversarial: float = Field(1e-3, ge=0, description="η: weight of D's judgement")


class Networks(NamedTuple):
    """G; D of large pictures; φ, which stays as it is."""

    G: nn.Module
    D: nn.Module
    phi: nn.Module


def generator(options: Options, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant, and is left what G made."""
    a, b = step.batch["a"], step.batch["b"]
    made = net.G(a).float()
    step.left["made"] = made.detach()
    if step.progress < options.pretrain:
        return {"pixels": mse_loss(made, b)}
    terms: Terms = {}
    if options.adversarial:
        score = net.D(made)
        terms["fake"] = options.adversarial * non_saturating.generator(score, score)["fake"]
    if options.pixels:
        terms["pixels"] = options.pixels * mse_loss(made, b)
    if options.perceptual:
        terms["features"] = options.perceptual * net.phi(made, b)
    return terms


def discriminator(net: Networks, step: Step) -> Terms:
    """D alone."""
    return non_saturating.discriminator(net.D(step.batch["b"]), net.D(step.left["made"]))


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    factor, a, b = factor_between("srgan", schema), schema["a"].shape, schema["b"].shape
    G = SRResNet(a[0], b[0], factor, options.width, options.depth)
    return Game(
        networks=Networks(G, StridedDiscriminator(b, max(1, options.width // 2)), Perceptual(options.features, b[0])),
        players=(
            Player("generator", ("G",), partial(generator, options), options.optimizer()),
            Player("discriminator", ("D",), discriminator, options.optimizer(), enters=options.pretrain),
        ),
        noise=nothing,
        sample=lambda net, noise, given: net.G(given["a"]),
        critic=lambda net, batch: net.D(batch["b"]),
        makes="b",
        given=("a",),
        decay=options.ema,
        paces=(0.0, options.pretrain) if 0 < options.pretrain < 1 else (0.0,),
    )


RECIPE = Recipe(
    "srgan",
    "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network (Ledig et al. 2016)",
    "1609.04802",
    "makes small pictures large, with details that look real",
    Options,
    build,
    takes="pairs",
    derive=lambda options, data: Reduced(data, options.factor),
)
