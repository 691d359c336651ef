"""Each is judged against the average of the other side.

D:  -E[log σ(D(x) - E D(G(z)))] - E[log(1 - σ(D(G(z)) - E D(x)))]
G:  the same with the roles exchanged
"""

from sparring.game import Game
from sparring.kinds import Schema
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe


class Options(DuelOptions):
    """The paper's RaSGAN."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "relativistic-average", batch_norm=True)


RECIPE = Recipe(
    "ragan",
    "The Relativistic Discriminator (Jolicoeur-Martineau 2018)",
    "1807.00734",
    "is this real more realistic than the average fake?",
    Options,
    build,
)
