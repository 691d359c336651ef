"""A critic whose gradient costs by its sixth power, with no length that it should have.

critic:  E[D(G(z))] - E[D(x)] + k E[|∇D(x̂)|^p], x̂ uniform between a real and a fake
G:       -E[D(G(z))]
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.penalties import divergence
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe


class Options(DuelOptions):
    """The paper's k of 2 and p of 6."""

    n_critic: int = Field(5, gt=0, description="steps of the critic before each step of G")
    penalty: float = Field(2.0, ge=0, description="k: weight of the gradient penalty")
    power: float = Field(6.0, gt=1, description="p: the power of the gradient's length that costs")


POINTS = {"batch": 128, "lr": 2e-3, "beta1": 0.0, "beta2": 0.9, "n_critic": 2, "penalty": 2e-6, "decay_from": 0.0}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "wasserstein", divergence(options.penalty, options.power))


RECIPE = Recipe(
    "wgan-div",
    "Wasserstein Divergence for GANs (Wu et al. 2017)",
    "1712.01026",
    "a critic whose gradient costs by its sixth power; no Lipschitz constant",
    Options,
    build,
    POINTS,
)
