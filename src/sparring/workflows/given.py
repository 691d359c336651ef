"""What samples are made from, kept beside the checkpoints: a run needs no training data to be sampled."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from sparring.data import Data, Rows
from sparring.drawing import rows_for
from sparring.errors import UserError
from sparring.game import Game
from sparring.kinds import Schema
from sparring.runs import RunDir

MAX_ROWS, MIN_ROWS = 2000, 64
"""Rows that are kept; training rows stand in where fewer are held out."""

MAX_BYTES = 64 << 20
"""Of all kept rows together, unless `MIN_ROWS` take more."""


def chosen(data: Data, columns: Sequence[str]) -> Rows:
    """Held-out rows of these columns, as many as are kept."""
    if not columns:
        return {}
    rows = {name: column for name, column in data.held_out(MAX_ROWS).items() if name in columns}
    missing = MIN_ROWS - len(rows[columns[0]])
    if missing > 0:
        which = np.random.default_rng(0).permutation(len(data))[:missing]
        more = data.rows(which)
        rows = {name: torch.cat([column, more[name]]) for name, column in rows.items()}
    size = sum(column[:1].nbytes for column in rows.values())
    most = max(MIN_ROWS, MAX_BYTES // max(1, size))
    return {name: column[:most].contiguous() for name, column in rows.items()}


def keep(rows: Rows, run: RunDir) -> None:
    """Write the rows into the run directory, where there are any."""
    if rows:
        temporary = run.given.with_suffix(".part")
        temporary.write_bytes(save(rows))
        temporary.replace(run.given)


def read(run: RunDir, columns: Sequence[str]) -> Rows:
    """The rows that a run keeps.

    Raises:
        UserError: the file is missing or damaged.
    """
    if not columns:
        return {}
    try:
        rows = load_file(run.given)
        return {name: rows[name] for name in columns}
    except (OSError, SafetensorError, KeyError) as error:
        raise UserError(f"{run.given} is missing or damaged", "samples need it: say what they are made from") from error


def asked(game: Game[Any], schema: Schema, kept: Rows, seeds: Sequence[int], wanted: Mapping[str, Any]) -> Rows:
    """What each seed is given: what the user wants, and what the run keeps for the other columns.

    Args:
        game: the rules.
        schema: of the run's data.
        kept: the run's own rows.
        seeds: of the samples.
        wanted: by column: one value for all samples, or a list or array with one for each; stored, or as `Kind.parse`
            takes it.

    Raises:
        UserError: a column that sampling does not need, a value that is not of its kind, another number of them.
    """
    strangers = [name for name in wanted if name not in game.given]
    if strangers:
        needs = (
            f"its samples are made from {', '.join(game.given)}" if game.given else "its samples are made from noise"
        )
        raise UserError(f"this run is given no {strangers[0]}", needs)
    own = {name: _values(name, schema, value, len(seeds)) for name, value in wanted.items()}
    return rows_for(seeds, {name: column for name, column in kept.items() if name not in own}) | own


def _values(name: str, schema: Schema, value: Any, n: int) -> Tensor:
    kind = schema[name]
    if isinstance(value, str):
        value = kind.parse(value)
    elif isinstance(value, list | tuple) and value and isinstance(value[0], str):
        value = torch.stack([kind.parse(text) for text in value])
    column = torch.as_tensor(value)
    shape = kind.to_stored(torch.zeros(1, *kind.shape)).shape[1:]
    if column.shape == shape:
        column = column.expand(n, *shape)
    if column.shape != (n, *shape):
        raise UserError(f"{name} of shape {tuple(column.shape)} for {n} samples", f"it must be {(n, *shape)}")
    return column
