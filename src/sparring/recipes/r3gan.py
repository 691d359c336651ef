"""Relativistic pairing with zero-centred penalties on both sides, and no normalisation anywhere.

D:  E[softplus(D(G(z)) - D(x))] + γ/2 E[|∇D(x)|^2] + γ/2 E[|∇D(G(z))|^2]
G:  E[softplus(D(x) - D(G(z)))]
"""

from typing import Literal

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.penalties import r1, r2, together
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe


class Options(DuelOptions):
    """The paper's loss, with networks for a processor and constant rates."""

    network: Literal["mlp", "dcgan", "shuffle", "resnet"] = Field(
        "resnet", description="for pictures; points take an mlp"
    )
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: float = Field(0.99, ge=0, lt=1, description="Adam's β2")
    gamma: float = Field(1.0, ge=0, description="weight of R1 and R2")
    penalty_every: int = Field(
        1, gt=0, description="compute the penalties every so many rounds, that many times as heavy"
    )


POINTS = {"lr": 2e-3, "gamma": 0.02, "decay_from": 0.5}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(
        options,
        schema,
        "relativistic-pairing",
        together(r1(options.gamma), r2(options.gamma)),
        penalty_every=options.penalty_every,
    )


RECIPE = Recipe(
    "r3gan",
    "The GAN is dead; long live the GAN! (Huang et al. 2024)",
    "2501.05441",
    "relativistic pairing with R1 and R2; nothing normalised",
    Options,
    build,
    POINTS,
)
