"""Previews of samples as training goes: always of the same noise, and of the same pictures where some are given."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from sparring.data import Rows, known_pairs
from sparring.drawing import made_by, made_from, noise_of, rows_for
from sparring.grids import beside, picture_grid
from sparring.kinds import Categories, Pictures, labelled, pictured
from sparring.workflows.configuring import cadences
from sparring.workflows.planning import Plan

STRIP = 8
"""Samples of a preview that are also kept as they are stored."""

CLASS_ROWS, CLASS_COLUMNS = 16, 8
"""Of the preview of a game with labels: a row a class."""

TRANSLATED, GAP = 24, 10
"""Pictures whose translations are shown, and pixels between one with its translations and the next."""


class Showing:
    """A preview of samples every so often.

    A translation is shown beside what it was made from, and before the way back and the truth, where there are any.

    Args:
        plan: of the run.
        kept: rows of what samples are made from.
    """

    def __init__(self, plan: Plan, kept: Rows) -> None:
        self._plan = plan
        self._cadence = cadences(plan.config, plan.seconds).sample
        game, schema = plan.state.game, plan.data.schema
        self._kind = schema[game.makes]
        self._columns, self._strip = None, list(range(STRIP))
        self._seeds = list(range(self._kind.previewed))
        self._real = plan.data.held_out(self._kind.previewed)[game.makes]
        self._translated = pictured(schema, game.given) if isinstance(self._kind, Pictures) else None
        column = labelled(schema, game.given)
        if self._translated:
            known = known_pairs(plan.data, TRANSLATED) if self._translated != game.makes else None
            self._truth = {} if known is None else {"truth": known[game.makes]}
            count = min(len(rows) for rows in (*kept.values(), *self._truth.values(), self._seeds[:TRANSLATED]))
            self._seeds, self._strip = list(range(count)), list(range(min(STRIP, count)))
            self._given = rows_for(self._seeds, kept)
        elif column is None or not self._kind.single:
            self._given = rows_for(self._seeds, kept)
        else:
            labels = schema[column]
            assert isinstance(labels, Categories)
            rows = min(len(labels.names), CLASS_ROWS)
            self._columns, self._seeds = CLASS_COLUMNS, list(range(CLASS_COLUMNS)) * rows
            self._strip = list(range(0, len(self._seeds), CLASS_COLUMNS))
            asked = torch.arange(rows).repeat_interleave(CLASS_COLUMNS)
            self._given = rows_for(self._seeds, kept) | {column: asked}
        self.newest: Path | None = None

    def show(self, seconds: float, last: bool) -> None:
        """Draw one, where it is time for it."""
        if self._cadence.due(self._plan.state.round, seconds) or last:
            self.draw()

    def draw(self) -> Path:
        """Draw one now: a sheet, and of kinds that can be looked at one by one a few samples as they are stored."""
        out, round = self._plan.out, self._plan.state.round
        made = stored_samples(self._plan, self._seeds, self._given)
        path = out.sample(round, ".png")
        sheet = self._side_by_side(made) if self._translated else self._kind.preview(made, self._real, self._columns)
        sheet.save(path)
        if self._kind.single:
            few = {"samples": made[self._strip].contiguous()}
            if self._translated:
                few[f"given.{self._translated}"] = self._given[self._translated][self._strip].contiguous()
                few |= {name: rows[self._strip].contiguous() for name, rows in self._truth.items()}
            out.sample(round, ".safetensors").write_bytes(save(few))
        out.thin_samples(round)
        self.newest = path
        return path

    def _side_by_side(self, made: Tensor) -> Image.Image:
        """What is given, what becomes of it (of each class, where there are some), the way back and the truth."""
        game, schema = self._plan.state.game, self._plan.data.schema
        shown = [(self._translated or "", self._given[self._translated or ""])]
        column = labelled(schema, game.given)
        if column is None:
            shown.append((game.makes, made))
        else:
            labels = schema[column]
            assert isinstance(labels, Categories)
            for label in range(min(len(labels.names), CLASS_COLUMNS)):
                asked = self._given | {column: torch.full((len(made),), label)}
                shown.append((game.makes, stored_samples(self._plan, self._seeds, asked)))
        if game.reverse and column is None:
            shown.append((self._translated or "", self._back(made)))
        shown += [(game.makes, rows) for rows in self._truth.values()]
        return picture_grid(beside(*(schema[name].to_array(rows) for name, rows in shown)), gap=GAP)

    def _back(self, made: Tensor) -> Tensor:
        plan, game, schema = self._plan, self._plan.state.game, self._plan.data.schema
        assert game.reverse is not None
        noise, given = noise_of(game, self._seeds), self._given | {game.makes: made}
        back = made_by(game.reverse, plan.state.sampled, schema, noise, given, plan.how.device)
        return schema[self._translated or ""].to_stored(back)


def stored_samples(plan: Plan, seeds: Sequence[int], context: Rows) -> Tensor:
    """The stored samples of these seeds, as `sample` gives them."""
    return stored_from(plan, noise_of(plan.state.game, seeds), context)


def stored_from(plan: Plan, noise: Tensor, context: Rows) -> Tensor:
    """The stored samples of any noise."""
    game, schema = plan.state.game, plan.data.schema
    made = made_from(game, plan.state.sampled, schema, noise, context, plan.how.device)
    return schema[game.makes].to_stored(made)
