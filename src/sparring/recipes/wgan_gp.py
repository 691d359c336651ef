"""A critic kept 1-Lipschitz by a penalty on its gradient between reals and fakes.

critic:  E[D(G(z))] - E[D(x)] + λ E[(|∇D(x̂)| - 1)^2], x̂ uniform between a real and a fake
G:       -E[D(G(z))]
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.penalties import gradient_penalty
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe
from sparring.schedules import Varying


class Options(DuelOptions):
    """The paper's algorithm 1."""

    lr: Varying = Field(1e-3, gt=0, description="learning rate of both; the paper's is 1e-4")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: Varying = Field(0.9, ge=0, lt=1, description="Adam's β2")
    n_critic: int = Field(5, gt=0, description="steps of the critic before each step of G")
    penalty: float = Field(10.0, ge=0, description="λ: weight of the gradient penalty")
    one_sided: bool = Field(False, description="penalise only gradients longer than 1")


POINTS = {"batch": 128, "lr": 2e-3, "penalty": 0.02, "n_critic": 2, "decay_from": 0.0}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "wasserstein", gradient_penalty(options.penalty, one_sided=options.one_sided))


RECIPE = Recipe(
    "wgan-gp",
    "Improved Training of Wasserstein GANs (Gulrajani et al. 2017)",
    "1704.00028",
    "a critic kept 1-Lipschitz by a gradient penalty",
    Options,
    build,
    POINTS,
)
