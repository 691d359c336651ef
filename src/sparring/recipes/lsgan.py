"""Least squares instead of the cross-entropy.

D:  1/2 E[(D(x) - 1)^2] + 1/2 E[D(G(z))^2]
G:  1/2 E[(D(G(z)) - 1)^2]
"""

from sparring.game import Game
from sparring.kinds import Schema
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe


class Options(DuelOptions):
    """The paper's 0-1 labels (eq. 9), and its authors' learning rate."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "least-squares", batch_norm=True)


RECIPE = Recipe(
    "lsgan",
    "Least Squares Generative Adversarial Networks (Mao et al. 2016)",
    "1611.04076",
    "least squares: fakes far on the real side are pulled back too",
    Options,
    build,
)
