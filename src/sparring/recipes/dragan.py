"""The first game, with D's gradient held at length 1 around the reals.

D:  -E[log D(x)] - E[log(1 - D(G(z)))] + λ E[(|∇D(x + δ)| - 1)^2], δ normal
G:  -E[log D(G(z))]
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.penalties import dragan
from sparring.recipes._duel import NETWORK, Duel, DuelOptions, Network, standard_duel
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(DuelOptions):
    """The paper's game."""

    network: Network = Field("dcgan", description=NETWORK)
    lr: Varying = Field(2e-4, gt=0, description="learning rate of both")
    penalty: float = Field(10.0, ge=0, description="λ: weight of the gradient penalty")
    spread: float = Field(0.5, gt=0, description="δ's standard deviation, in standard deviations of the reals")


POINTS = {"batch": 128, "lr": 2e-3, "penalty": 0.1}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "non-saturating", dragan(options.penalty, spread=options.spread))


RECIPE = Recipe(
    "dragan",
    "On Convergence and Stability of GANs (Kodali et al. 2017)",
    "1705.07215",
    "a gradient penalty around the reals only",
    Options,
    build,
    POINTS,
)
