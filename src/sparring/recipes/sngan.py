"""Spectral norm on every layer of D, and the hinge game.

W of a layer is used as b W / σ(W), σ the largest singular value.

D:  E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]
G:  -E[D(G(z))]
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe


class Options(DuelOptions):
    """The β1 and the one step each of the paper's setting C (table 1)."""

    bound: float = Field(1.0, gt=0, description="b: the largest singular value of each layer of D")


POINTS = {"lr": 2e-3, "bound": 1.8, "n_critic": 5, "beta1": 0.0, "decay_from": 0.5}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "hinge", spectral=options.bound)


RECIPE = Recipe(
    "sngan",
    "Spectral Normalization for GANs (Miyato et al. 2018)",
    "1802.05957",
    "every layer of D has largest singular value 1; hinge",
    Options,
    build,
    POINTS,
)
