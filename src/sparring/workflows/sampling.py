"""From a run directory to samples: only the networks that make them are built, and no optimizer."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sparring import checkpoint as checkpoints
from sparring.data import Rows
from sparring.devices import choose_device
from sparring.drawing import codes_of, draw, latents_of, made_from, noise_of, styles_of
from sparring.errors import UserError
from sparring.game import Game
from sparring.kinds import Kind, Schema, classes_of, from_tables, labelled
from sparring.kinds.categories import Categories
from sparring.workflows import given
from sparring.workflows.assembling import build
from sparring.workflows.configuring import CUSTOM
from sparring.workflows.inheriting import existing

PER_CLASS = 8
"""Samples of each class, where several are asked for and nobody says how many."""


@dataclass(frozen=True)
class Sampler:
    """A run made ready to be sampled.

    Args:
        game: the rules.
        networks: those that make samples hold the checkpoint's averages, in eval mode; of the others nothing is left.
        schema: of the run's data.
        kept: rows of the columns that samples are made from.
        device: where the networks are.
    """

    game: Game[Any]
    networks: Any
    schema: Schema
    kept: Rows
    device: torch.device

    @property
    def kind(self) -> Kind:
        """What samples are."""
        return self.schema[self.game.makes]

    def __call__(
        self, seeds: Sequence[int], wanted: Mapping[str, Any] | None = None, truncation: float | None = None
    ) -> Rows:
        """Stored samples, and what they were given, by column.

        Args:
            seeds: one a sample.
            wanted: see `given.asked`.
            truncation: see `sparring.game.Latent`.

        Raises:
            UserError: no seed, or something that this game is not given.
        """
        if not len(seeds):
            raise UserError("no sample was asked for", "n of 1 or more, or at least one seed")
        context = given.asked(self.game, self.schema, self.kept, seeds, wanted or {})
        made = draw(self.game, self.networks, self.schema, seeds, context, truncation, self.device)
        return {**context, self.game.makes: self.kind.to_stored(made)}

    def latents(self, seeds: Sequence[int], truncation: float | None = None) -> Tensor:
        """What samples are made from; see `sparring.drawing.latents_of`."""
        return latents_of(self.game, self.networks, seeds, truncation, self.device)

    def styles(self, seeds: Sequence[int]) -> Tensor:
        """The styles of some seeds, `(len(seeds), layers, dim)`.

        Raises:
            UserError: this game has no styles.
        """
        if self.game.styles is None:
            raise UserError("this run's generator has no styles", "train one that has: --recipe stylegan2")
        return styles_of(self.game, self.networks, noise_of(self.game, seeds), self.device)

    def made_from(self, noise: Tensor, context: Rows) -> Tensor:
        """Stored samples of any noise, or styles.

        Args:
            noise: `(N, ...)`, as the game's own is; or `(N, layers, dim)`, where it has styles.
            context: stored rows of the columns that samples are made from, one a sample; see `given.asked`.
        """
        return self.kind.to_stored(made_from(self.game, self.networks, self.schema, noise, context, self.device))

    def codes_of(self, examples: Tensor) -> Tensor:
        """The codes that the run's encoder reads from examples; `made_from` makes the examples again.

        Args:
            examples: stored, `(N, ...)`.

        Returns:
            `(N, latent_dim)`.
        """
        return codes_of(self.game, self.networks, self.kind, examples, self.device)

    def classes(self, text: str) -> tuple[str, list[int]]:
        """The column of labels that samples are made from, and the indices of the classes that `text` names.

        Raises:
            UserError: this game is given no labels, or there is no such class.
        """
        column = labelled(self.schema, self.game.given)
        if column is None:
            raise UserError("this run has no classes to choose from", "train one with labels: --recipe cgan")
        kind = self.schema[column]
        assert isinstance(kind, Categories)
        return column, kind.several(text)

    def class_names(self, column: str) -> tuple[str, ...]:
        """The names of the classes of a column of labels."""
        return classes_of(self.schema, column)


def sampler(
    path: str | Path, *, checkpoint: str = "latest", device: str = "cpu", game: Game[Any] | None = None
) -> Sampler:
    """Make a run ready to be sampled.

    Args:
        path: the run.
        checkpoint: "latest", "best" (the one whose samples the doctor found nearest to the data), or a round.
        device: auto, cpu, cuda or mps.
        game: the game, where it was not one of a recipe; its networks are copied.

    Raises:
        UserError: no such run, no checkpoint, a damaged one.
    """
    run, config = existing(path)
    schema = from_tables(config.columns)
    if game is None and config.recipe == CUSTOM:
        raise UserError(f"{path} was trained with a game of your own", "sparring.sample(run, game=...)")
    folder, where = run.which(checkpoint), choose_device(device)
    if game is None:
        with torch.device("meta"):  # nothing is allocated before it is known who makes samples
            game = build(config, schema)
    tensors = checkpoints.read_averages(folder, config.recipe, game.sampling(), game.average)
    networks = game.with_networks(makers_of(game, tensors, folder, where))
    return Sampler(game, networks, schema, given.read(run, game.given), where)


def makers_of(
    game: Game[Any], tensors: Mapping[str, dict[str, Tensor]], origin: Path, device: torch.device
) -> dict[str, nn.Module]:
    """The networks that make samples, filled, in eval mode and frozen.

    Args:
        game: its networks may be on the meta device; they are copied otherwise.
        tensors: by network.
        origin: where the tensors are from, for the error.
        device: where to put the networks.

    Raises:
        UserError: the tensors are those of other networks.
    """
    modules = game.modules()
    makers: dict[str, nn.Module] = {}
    for name in game.sampling():
        network = modules[name]
        meta = any(p.is_meta for p in [*network.parameters(), *network.buffers()])
        makers[name] = (network.to_empty(device="cpu") if meta else copy.deepcopy(network)).eval().requires_grad_(False)
        checkpoints.fill(name, makers[name], tensors[name], origin)
        makers[name].to(device)
    return makers


def sample(
    path: str | Path,
    n: int = 64,
    *,
    seeds: Sequence[int] | None = None,
    given: Mapping[str, Any] | None = None,
    truncation: float | None = None,
    checkpoint: str = "latest",
    device: str = "cpu",
    game: Game[Any] | None = None,
) -> np.ndarray:
    """Draw samples from a checkpoint of a run, through the averaged weights.

    Args:
        path: the run.
        n: how many; their seeds are 0 to n - 1.
        seeds: one sample each, instead of n. The same seed is the same sample, whatever the others are.
        given: what samples are made from, by column: `{"y": "cat"}`, `{"y": [3, 7, 7]}`; by default the rows that the
            run keeps, in turn.
        truncation: less variety, more typical samples; see `sparring.game.Latent`.
        checkpoint: "latest", "best" (the one whose samples the doctor found nearest to the data), or a round.
        device: auto, cpu, cuda or mps.
        game: the game, where it was not one of a recipe.

    Returns:
        As the kind of data has it: uint8 `(n, H, W, C)` for pictures, float32 `(n, D)` in the data's own units for
        points.

    Raises:
        UserError: no such run, no checkpoint, a damaged one; something given that the game does not take.
    """
    ready = sampler(path, checkpoint=checkpoint, device=device, game=game)
    made = ready(list(range(n)) if seeds is None else list(seeds), given, truncation)
    return ready.kind.to_array(made[ready.game.makes])


def by_class(
    ready: Sampler, text: str, seeds: Sequence[int], truncation: float | None = None
) -> tuple[Tensor, list[str]]:
    """Every seed of each class, class by class.

    Args:
        ready: the run.
        text: names or indices with commas between them, or "all".
        seeds: the same ones for each class.
        truncation: see `sparring.game.Latent`.

    Returns:
        Stored samples `(classes * seeds, ...)`, and a name for each.

    Raises:
        UserError: see `Sampler.classes`.
    """
    column, classes = ready.classes(text)
    kind = ready.schema[column]
    assert isinstance(kind, Categories)
    labels = [label for label in classes for _ in seeds]
    made = ready(list(seeds) * len(classes), {column: torch.tensor(labels)}, truncation)
    names = [f"{kind.names[label]}-seed{seed:06d}" for label in classes for seed in seeds]
    return made[ready.game.makes], [name.replace("/", "_") for name in names]
