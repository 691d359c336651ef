"""Relativistic pairing with zero-centred penalties on both sides, and no normalisation in D.

D:  E[softplus(D(G(z)) - D(x))] + γ/2 E[|∇D(x)|^2] + γ/2 E[|∇D(G(z))|^2]
G:  E[softplus(D(x) - D(G(z)))]
"""

from collections.abc import Callable
from typing import Any

from pydantic import Field, model_validator

from sparring.game import Game
from sparring.kinds import Schema
from sparring.penalties import r1, r2, together
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe
from sparring.schedules import Schedule, Varying


class Options(DuelOptions):
    """The paper's loss, with networks for a processor; rates are constant, or the paper's with `burn_in`."""

    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: Varying = Field(0.99, ge=0, lt=1, description="Adam's β2")
    gamma: Varying = Field(1.0, ge=0, description="weight of R1 and R2")
    penalty_every: int = Field(
        4, gt=0, description="compute the penalties every so many rounds, that many times as heavy"
    )
    burn_in: float = Field(
        0.0, ge=0, le=1, description="the part of the run in which the rates, γ, β2 and the average settle; 0 is never"
    )

    @model_validator(mode="before")
    @classmethod
    def _settling(cls, values: Any) -> Any:
        """The paper's schedules, of what is a plain number."""
        part = values.get("burn_in", 0) if isinstance(values, dict) else 0
        if not isinstance(part, int | float) or not 0 < part <= 1:
            return values
        own = {name: values.get(name, cls.model_fields[name].default) for name in SETTLING}
        plain = {name: value for name, value in own.items() if isinstance(value, int | float)}
        return values | {name: Schedule(*SETTLING[name](value), over=part) for name, value in plain.items()}


SETTLING: dict[str, Callable[[float], tuple[float, float]]] = {
    "lr": lambda lr: (lr, lr / 4),
    "gamma": lambda gamma: (gamma, gamma / 10),
    "beta2": lambda beta2: (min(0.9, beta2), beta2),
    "ema": lambda ema: (0.0, ema),
}
"""(First, last) of what changes in the burn-in, by the option: the paper's rate falls to a quarter, γ to a tenth."""


POINTS = {"lr": 2e-3, "gamma": 0.02, "penalty_every": 1, "decay_from": 0.5}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(
        options,
        schema,
        "relativistic-pairing",
        together(r1(1.0), r2(1.0)),
        penalty_every=options.penalty_every,
        penalty_weight=options.gamma,
    )


RECIPE = Recipe(
    "r3gan",
    "The GAN is dead; long live the GAN! (Huang et al. 2024)",
    "2501.05441",
    "relativistic pairing with R1 and R2; D is not normalised",
    Options,
    build,
    POINTS,
)
