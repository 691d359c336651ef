"""Translations of held-out pictures beside what they ought to become, where that is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from sparring.data import Data, Rows, known_pairs
from sparring.drawing import noise_of
from sparring.game import Game
from sparring.kinds import Pictures, Schema, pictured
from sparring.metrics import Partner
from sparring.scoring import Evaluation, Scorer
from sparring.workflows import given

MOST = 1000
"""Pictures, at most."""

Make = Callable[[Tensor, Rows], Tensor]
"""(noise, stored rows) -> stored pictures."""


@dataclass(frozen=True)
class Partners:
    """Held-out pictures whose partners are known, made ready to score a game's translations of them.

    Args:
        noise: of each, `(N, ...)`.
        given: stored rows of what they are made from.
        compare: translations -> their figures.
    """

    noise: Tensor
    given: Rows
    compare: Callable[[Tensor], tuple[Partner, ...]]

    def __call__(self, make: Make) -> tuple[Partner, ...]:
        """The figures of what is made of them."""
        return self.compare(make(self.noise, self.given))


def partners_of(game: Game[Any], schema: Schema, data: Data, scorer: Scorer) -> Partners | None:
    """The partners that data knows for a game; None where it knows none.

    Args:
        game: what makes pictures of pictures.
        schema: of the data that it was trained on.
        data: the reals.
        scorer: of the column that the game makes.
    """
    column = pictured(schema, game.given)
    known = None if column is None else known_pairs(data, MOST)
    if column is None or known is None or not {game.makes, *game.given} <= known.keys():
        return None
    source, target, truth = schema[column], schema[game.makes], known[game.makes]
    if not isinstance(source, Pictures) or not isinstance(target, Pictures) or len(truth) < 2:
        return None
    if data.schema[column].shape != source.shape:
        return None
    compare = scorer.partners(truth, source.like(known[column], target))
    return Partners(noise_of(game, range(len(truth))), {name: known[name] for name in game.given}, compare)


def fairly_tested(found: Evaluation, game: Game[Any], schema: Schema, data: Data) -> Evaluation:
    """Without the test for copies where some samples were made of training pictures: they are to look like those.

    Args:
        found: of samples of what the run keeps.
        game: what made them.
        schema: of the data that it was trained on.
        data: the reals.
    """
    held_out = len(data.held_out(given.MIN_ROWS)[game.makes]) if game.makes in data.schema else 0
    several = min(found.provenance["samples"], given.MIN_ROWS)
    if pictured(schema, game.given) is None or held_out >= several or found.copies is None:
        return found
    note = (
        f"not tested for copies: only {held_out} pictures are held out, and what is made of training pictures "
        "ought to look like training pictures"
    )
    return replace(found, copies=None, notes=(*found.notes, note))
