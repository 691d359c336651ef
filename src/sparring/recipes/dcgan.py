"""Convolutions, batch norm, and Adam with β1 of 0.5: the GAN that trained.

D:  -E[log D(x)] - E[log(1 - D(G(z)))]
G:  -E[log D(G(z))]
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.recipes._duel import NETWORK, Duel, DuelOptions, Network, standard_duel
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(DuelOptions):
    """The paper's section 4, narrower."""

    network: Network = Field("dcgan", description=NETWORK)
    lr: Varying = Field(2e-4, gt=0, description="learning rate of both")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="one-sided: D's target for reals is 1 minus this")


POINTS = {"lr": 1e-3}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "non-saturating", batch_norm=True, label_smoothing=options.label_smoothing)


RECIPE = Recipe(
    "dcgan",
    "Unsupervised Representation Learning with DCGANs (Radford et al. 2015)",
    "1511.06434",
    "strided convolutions and batch norm on both sides",
    Options,
    build,
    POINTS,
)
