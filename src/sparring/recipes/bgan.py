"""G is drawn to the boundary, where D cannot tell.

D:  -E[log D(x)] - E[log(1 - D(G(z)))]
G:  1/2 E[(log D(G(z)) - log(1 - D(G(z))))^2]

log D - log(1 - D) is D's logit, so G minimises the mean square of the fakes' logits.
"""

from pydantic import Field

from sparring.game import Game
from sparring.kinds import Schema
from sparring.recipes._duel import Duel, DuelOptions, standard_duel
from sparring.recipes.recipe import Recipe


class Options(DuelOptions):
    """The paper's game for continuous data."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="one-sided: D's target for reals is 1 minus this")


POINTS = {"decay_from": 0.0}
"""The defaults for points, where they are not those above; see the page."""


def build(options: Options, schema: Schema) -> Game[Duel]:
    """The game."""
    return standard_duel(options, schema, "boundary-seeking", batch_norm=True, label_smoothing=options.label_smoothing)


RECIPE = Recipe(
    "bgan",
    "Boundary-Seeking Generative Adversarial Networks (Hjelm et al. 2017)",
    "1702.08431",
    "G seeks D's boundary: logits of fakes tend to 0",
    Options,
    build,
    POINTS,
)
