"""The default: small networks and many rounds, for readable pictures in a few minutes of two processor cores.

    D:  E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))], every layer of D with largest singular value 1
    G:  -E[D(G(z))]

Points take the game of r3gan instead.
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.penalties import r1, r2, together
from sparring.recipes._duel import REUSE_FAKES, Duel, DuelOptions, shape_of, standard_duel
from sparring.recipes.recipe import DECAY_FROM, Recipe
from sparring.schedules import Varying


class Options(DuelOptions):
    """Ours, not a paper's; what was tried is in docs/recipes/default.md."""

    batch: int = Field(32, gt=0, description="examples a step")
    lr: Varying = Field(4e-3, gt=0, description="learning rate of both")
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's β1")
    beta2: Varying = Field(0.99, ge=0, lt=1, description="Adam's β2")
    reuse_fakes: bool = Field(True, description=REUSE_FAKES)
    decay_from: float = Field(0.5, ge=0, le=1, description=DECAY_FROM)
    gamma: Varying = Field(0.02, ge=0, description="for points: weight of R1 and R2")


POINTS = {"batch": 64, "lr": 2e-3, "reuse_fakes": False}
"""The defaults for points, where they are not those above; see the page."""

COLOUR = {"lr": 2e-3, "reuse_fakes": False}
"""And for pictures of more than one channel."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    if len(shape_of(schema)) == 3:
        return standard_duel(options, schema, "hinge", spectral=True)
    both = together(r1(1.0), r2(1.0))
    return standard_duel(options, schema, "relativistic-pairing", both, penalty_weight=options.gamma)


RECIPE = Recipe(
    "default",
    "Spectral Normalization for GANs (Miyato et al. 2018), by small pixel-shuffle networks",
    "1802.05957",
    "small networks, many rounds: pictures in a few minutes of a processor; start here",
    Options,
    build,
    POINTS,
    COLOUR,
)
