"""Drawing samples, and reading codes: the one place where a game's networks are called to be looked at."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sparring.data import Rows
from sparring.game import Batch, Game
from sparring.kinds import Kind, Schema
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
        truncation: see `latents_of`.
        device: where the networks are.

    Returns:
        `(len(seeds), ...)` in the model's range, on the processor.
    """
    return made_from(game, networks, schema, latents_of(game, networks, seeds, truncation, device), given, device)


def noise_of(game: Game[Any], seeds: Sequence[int], truncation: float | None = None) -> Tensor:
    """The noise of each seed, `(len(seeds), ...)`, on the processor."""
    return torch.cat(
        [game.noise(1, torch.Generator().manual_seed(seed_of("sample", seed)), truncation) for seed in seeds]
    )


def styles_of(game: Game[Any], networks: Any, noise: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """The styles of any noise, `(len(noise), layers, dim)`, on the processor; of a game that has them."""
    styles = game.styles
    assert styles is not None
    with evaluating(networks):
        return _in_chunks(lambda rows: styles.of(networks, noise[rows].to(device)), len(noise))


def latents_of(
    game: Game[Any],
    networks: Any,
    seeds: Sequence[int],
    truncation: float | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """What the samples of these seeds are made from, on the processor.

    Noise, truncated by the game's own rule; but styles, where the game has some and they shall be truncated:
    `mean + truncation (w - mean)` (Karras et al. 2018, arXiv 1812.04948, appendix B).
    """
    if game.styles is None or truncation is None:
        return noise_of(game, seeds, truncation)
    mean = game.styles.mean(networks).float().cpu()
    return torch.lerp(mean, styles_of(game, networks, noise_of(game, seeds), device), truncation)


def made_from(
    game: Game[Any],
    networks: Any,
    schema: Schema,
    noise: Tensor,
    given: Rows,
    device: torch.device | str = "cpu",
) -> Tensor:
    """What the game makes of any noise, or styles; the arguments, and what is returned, are those of `draw`."""
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

    def made(rows: list[int]) -> Tensor:
        context = {name: schema[name].to_model(column[rows].to(device)) for name, column in given.items()}
        return make(networks, noise[rows].to(device), context)

    with evaluating(networks):
        return _in_chunks(made, len(noise), chunk)


def codes_of(
    game: Game[Any], networks: Any, kind: Kind, examples: Tensor, device: torch.device | str = "cpu"
) -> Tensor:
    """What the game's encoder reads from examples; a code depends on no other example.

    Args:
        game: it has an encoder.
        networks: with the averages, on `device`.
        kind: of the examples.
        examples: stored, `(N, ...)`.
        device: where the networks are.

    Returns:
        `(N, latent_dim)`, in the form that `made_from` takes as noise, on the processor.
    """
    encode = game.encode
    assert encode is not None
    with evaluating(networks):
        return _in_chunks(lambda rows: encode(networks, kind.to_model(examples[rows].to(device))), len(examples))


def _in_chunks(make: Callable[[list[int]], Tensor], n: int, chunk: int = CHUNK) -> Tensor:
    """What is made of rows 0 to n - 1, so many at once, the last one repeated to fill up."""
    chunks = ([min(first + k, n - 1) for k in range(chunk)] for first in range(0, n, chunk))
    made = (make(rows).float() for rows in chunks)
    return torch.cat([each if each.is_meta else each.cpu() for each in made])[:n]


def rows_for(seeds: Sequence[int], kept: Rows) -> Rows:
    """What each seed is given of the rows that a run keeps: always the same, and in turn."""
    return {name: column[[seed % len(column) for seed in seeds]] for name, column in kept.items()}
