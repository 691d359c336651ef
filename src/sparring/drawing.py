"""Drawing samples: the one place where a game's generator is called to be looked at."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sparring.data import Rows
from sparring.game import Batch, Game
from sparring.kinds import Schema
from sparring.loop import evaluating, seed_of

CHUNK = 32
"""Samples that are always made at once: other sizes take other kernels, which round differently."""


def draw(
    game: Game[Any],
    networks: Any,
    schema: Schema,
    seeds: Sequence[int],
    given: Rows,
    truncation: float | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """One sample a seed. A sample is a function of its own seed and of what is given, whatever its neighbours are.

    Args:
        game: the rules.
        networks: with the averages, on `device`.
        schema: the kinds of the columns that are given.
        seeds: of the noise; it is drawn on the processor, so that every device starts from the same.
        given: stored rows of the columns that `game.given` names, one a seed.
        truncation: passed on to the game's noise.
        device: where the networks are.

    Returns:
        `(len(seeds), ...)` in the model's range, on the processor.
    """
    return made_from(game, networks, schema, noise_of(game, seeds, truncation), given, device)


def noise_of(game: Game[Any], seeds: Sequence[int], truncation: float | None = None) -> Tensor:
    """The noise of each seed, `(len(seeds), ...)`, on the processor."""
    return torch.cat(
        [game.noise(1, torch.Generator().manual_seed(seed_of("sample", seed)), truncation) for seed in seeds]
    )


def made_from(
    game: Game[Any],
    networks: Any,
    schema: Schema,
    noise: Tensor,
    given: Rows,
    device: torch.device | str = "cpu",
) -> Tensor:
    """What the game makes of any noise; the arguments, and what is returned, are those of `draw`."""
    return made_by(game.sample, networks, schema, noise, {name: given[name] for name in game.given}, device)


def made_by(
    make: Callable[[Any, Tensor, Batch], Tensor],
    networks: Any,
    schema: Schema,
    noise: Tensor,
    given: Rows,
    device: torch.device | str = "cpu",
    chunk: int = CHUNK,
) -> Tensor:
    """What one of a game's functions, `sample` or `reverse`, makes.

    Args:
        make: the function.
        networks: see `draw`.
        schema: see `draw`.
        noise: `(N, ...)`.
        given: stored rows of all columns that it is given, one each.
        device: where the networks are; of "meta" only the shape of what is made means anything.
        chunk: rows at once; the last ones are filled up to as many.

    Returns:
        `(N, ...)` in the model's range, on the processor.
    """
    parts, last = [], len(noise) - 1
    with evaluating(networks):
        for first in range(0, len(noise), chunk):
            rows = [min(first + k, last) for k in range(chunk)]
            context = {name: schema[name].to_model(column[rows].to(device)) for name, column in given.items()}
            made = make(networks, noise[rows].to(device), context)[: len(noise) - first].float()
            parts.append(made if made.is_meta else made.cpu())
    return torch.cat(parts)


def rows_for(seeds: Sequence[int], kept: Rows) -> Rows:
    """What each seed is given of the rows that a run keeps: always the same, and in turn."""
    return {name: column[[seed % len(column) for seed in seeds]] for name, column in kept.items()}
