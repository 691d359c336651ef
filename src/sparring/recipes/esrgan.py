"""Super-resolution by a relativistic game: D says which of two pictures is the more real one.

    G, for a share of the run:  E|b - G(a)|
    G, from then on:  v E[distance of φ(b) and φ(G(a))] + w E|b - G(a)|
                      + η (-E[log σ(D(G(a)) - E D(b))] - E[log(1 - σ(D(b) - E D(G(a))))])
    D, from then on:  -E[log σ(D(b) - E D(G(a)))] - E[log(1 - σ(D(G(a)) - E D(b)))]

a is b, reduced. φ are features of a fixed network that nobody trains, before their activation.

Deviations: docs/recipes/esrgan.md.
"""

from functools import partial
from typing import NamedTuple

import torch
from pydantic import Field
from torch import nn
from torch.nn.functional import l1_loss

from sparring.data import Reduced
from sparring.game import Game, Player, Step
from sparring.kinds import Schema
from sparring.networks import RRDBNet, StridedDiscriminator
from sparring.objectives import Terms, relativistic_average
from sparring.recipes._perceptual import FEATURES, Fixed, Perceptual
from sparring.recipes._translating import AdamOptions, factor_between, nothing
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The paper's section 3 and 4.1, on a small network."""

    batch: int = Field(16, gt=0, description="pictures a step")
    width: int = Field(24, gt=0, description="of both networks; the paper's is 64")
    depth: int = Field(2, gt=0, description="residual-in-residual dense blocks; the paper's are 23")
    factor: int = Field(4, ge=2, description="by which pictures are reduced, where no pairs are given")
    lr: Varying = Field(5e-4, gt=0, description="learning rate of both; the paper's is 2e-4, then 1e-4")
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's β1")
    pretrain: float = Field(0.5, ge=0, le=1, description="share of the run that is the L1 distance alone")
    pixels: float = Field(1.0, ge=0, description="w: weight of the L1 distance, after that")
    features: Fixed = Field("random", description=FEATURES)
    perceptual: float = Field(0.1, ge=0, description="v: weight of their distance")
    adversarial: float = Field(5e-3, ge=0, description="η: weight of D's judgement")


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
        return {"pixels": l1_loss(made, b)}
    terms: Terms = {}
    if options.adversarial:
        with torch.no_grad():
            real = net.D(b)
        judged = relativistic_average.generator(real, net.D(made))
        terms |= {name: options.adversarial * term for name, term in judged.items()}
    if options.pixels:
        terms["pixels"] = options.pixels * l1_loss(made, b)
    if options.perceptual:
        terms["features"] = options.perceptual * net.phi(made, b)
    return terms


def discriminator(net: Networks, step: Step) -> Terms:
    """D alone."""
    return relativistic_average.discriminator(net.D(step.batch["b"]), net.D(step.left["made"]))


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    factor, a, b = factor_between("esrgan", schema), schema["a"].shape, schema["b"].shape
    G = RRDBNet(a[0], b[0], factor, options.width, options.depth)
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
    "esrgan",
    "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks (Wang et al. 2018)",
    "1809.00219",
    "makes small pictures large, with sharper details",
    Options,
    build,
    takes="pairs",
    derive=lambda options, data: Reduced(data, options.factor),
)
