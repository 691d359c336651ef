"""A critic with clipped weights estimates the earth mover's distance.

critic:  E[D(G(z))] - E[D(x)], then every weight clamped to [-c, c]
G:       -E[D(G(z))]
"""

from typing import Literal

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.penalties import clip_weights
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(DuelOptions):
    """The paper's algorithm 1: RMSProp, five critic steps."""

    lr: Varying = Field(1e-3, gt=0, description="learning rate of both; the paper's is 5e-5")
    beta2: Varying = Field(0.99, ge=0, lt=1, description="RMSProp's smoothing constant, Adam's β2")
    n_critic: int = Field(5, gt=0, description="steps of the critic before each step of G")
    optimizer: Literal["rmsprop", "adam"] = Field("rmsprop", description="the paper found Adam's momentum unstable")
    clip: float = Field(0.05, gt=0, description="c: the largest critic weight; the paper's is 0.01")


POINTS = {"clip": 0.1, "decay_from": 0.0}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(
        options, schema, "wasserstein", optimizer=options.optimizer, after=lambda net: clip_weights(net.D, options.clip)
    )


RECIPE = Recipe(
    "wgan",
    "Wasserstein GAN (Arjovsky et al. 2017)",
    "1701.07875",
    "a critic with clipped weights scores instead of classifying",
    Options,
    build,
    POINTS,
)
