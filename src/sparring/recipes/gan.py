"""The first GAN: an MLP against an MLP.

D:  -E[log D(x)] - E[log(1 - D(G(z)))]
G:  -E[log D(G(z))], or E[log(1 - D(G(z)))] when saturating
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.recipes._duel import NETWORK, Duel, DuelOptions, Network, standard_duel
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(DuelOptions):
    """Goodfellow's game, by Adam."""

    network: Network = Field("mlp", description=NETWORK)
    lr: Varying = Field(2e-4, gt=0, description="learning rate of both")
    saturating: bool = Field(False, description="the minimax form for G, whose gradient vanishes when D wins")
    dropout: float = Field(0.3, ge=0, lt=1, description="in D's hidden layers, where an mlp sees pictures")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="one-sided: D's target for reals is 1 minus this")


POINTS = {"lr": 1e-3}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(
        options,
        schema,
        "minimax" if options.saturating else "non-saturating",
        batch_norm=True,
        dropout=options.dropout,
        label_smoothing=options.label_smoothing,
    )


RECIPE = Recipe(
    "gan",
    "Generative Adversarial Networks (Goodfellow et al. 2014)",
    "1406.2661",
    "the first: an MLP against an MLP, saturating or not",
    Options,
    build,
    POINTS,
)
