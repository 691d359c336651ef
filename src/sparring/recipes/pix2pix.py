"""Translation learned from pairs: D sees the picture that was given beside what was made of it.

    D:  1/2 (-E[log D(a, b)] - E[log(1 - D(a, G(a, z)))] - μ E[log(1 - D(a', b))]), a' of another pair
    G:  -E[log D(a, G(a, z))] + λ E|b - G(a, z)|

G is a U-Net and D judges patches. z says which channels of G's decoder are dropped: there is no other noise.

Deviations: docs/recipes/pix2pix.md.
"""

from functools import partial
from typing import NamedTuple

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import l1_loss, softplus

from sparring.game import Batch, Game, Latent, Player, Step
from sparring.kinds import Schema
from sparring.networks import PatchDiscriminator, UNet, depth_for
from sparring.objectives import Terms, non_saturating
from sparring.recipes._translating import AdamOptions, beside, shapes
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(AdamOptions):
    """The paper's section 3.3, narrower."""

    batch: int = Field(4, gt=0, description="pairs a step")
    lr: Varying = Field(1e-3, gt=0, description="learning rate of both; the paper's is 2e-4")
    pixels: float = Field(100.0, ge=0, description="λ: weight of the L1 distance from b")
    dropout: float = Field(
        0.5, ge=0, lt=1, description="share of channels that the noise drops, in G's first layers up"
    )
    adversarial: float = Field(1.0, ge=0, description="weight of D's judgement; 0 is the L1 distance alone")
    mismatched: float = Field(1.0, ge=0, description="μ: weight of pairs that do not belong together")


class Networks(NamedTuple):
    """G of a picture and noise; D of two pictures."""

    G: nn.Module
    D: nn.Module


def generator(noise: Latent, options: Options, net: Networks, step: Step) -> Terms:
    """G alone; D is held constant, and is left what G made."""
    a, b = step.batch["a"], step.batch["b"]
    made = net.G(a, noise(len(a), step.rng)).float()
    step.left["made"] = made.detach()
    terms: Terms = {}
    if options.adversarial:
        score = net.D(beside(a, made))
        terms["fake"] = options.adversarial * non_saturating.generator(score, score)["fake"]
    if options.pixels:
        terms["pixels"] = options.pixels * l1_loss(made, b)
    return terms


def discriminator(mismatched: float, net: Networks, step: Step) -> Terms:
    """D alone, on a picture beside its partner, beside what G made of it, and on a partner beside another's picture."""
    a, b = step.batch["a"], step.batch["b"]
    terms = non_saturating.discriminator(net.D(beside(a, b)), net.D(beside(a, step.left["made"])))
    if mismatched and len(a) > 1:
        terms["mismatched"] = mismatched * softplus(net.D(beside(a.roll(1, 0), b)).float()).mean()
    return {name: term / 2 for name, term in terms.items()}


def critic(net: Networks, batch: Batch) -> Tensor:
    """How much b looks like the partner of a, `(B,)`."""
    return net.D(beside(batch["a"], batch["b"])).flatten(1).mean(1)


def build(options: Options, schema: Schema) -> Game[Networks]:
    """The game."""
    a, b = shapes("pix2pix", schema)
    G = UNet(a[0], b[0], options.width, depth_for(*b[1:]), options.dropout)
    noise = Latent(G.noise, "uniform")
    return Game(
        networks=Networks(G, PatchDiscriminator((a[0] + b[0], *b[1:]), options.width)),
        players=(
            Player("generator", ("G",), partial(generator, noise, options), options.optimizer()),
            Player("discriminator", ("D",), partial(discriminator, options.mismatched), options.optimizer()),
        ),
        noise=noise,
        sample=lambda net, z, given: net.G(given["a"], z),
        critic=critic,
        makes="b",
        given=("a",),
        decay=options.ema,
    )


RECIPE = Recipe(
    "pix2pix",
    "Image-to-Image Translation with Conditional Adversarial Networks (Isola et al. 2016)",
    "1611.07004",
    "turns one picture into another, learned from pairs",
    Options,
    build,
    takes="pairs",
)
