"""The Python API on top of planning, playing and sampling."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from sparring.game import Game
from sparring.runs import RunDir
from sparring.workflows.configuring import Length, Settings, Source
from sparring.workflows.encoding import encode, reconstruct
from sparring.workflows.generator import Generator, generator_of
from sparring.workflows.planning import Opening, Plan, plan, plan_resumed
from sparring.workflows.playing import run
from sparring.workflows.sampling import sample, sampler
from sparring.workflows.translating import Translation, translate


class Run:
    """A run that can be sampled from.

    Args:
        path: its directory.
        game: the game, if it is not one of a recipe.

    Raises:
        UserError: there is no run at that path.
    """

    def __init__(self, path: str | Path, game: Game[Any] | None = None) -> None:
        self.directory = RunDir.existing(path)
        self._game = game

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    def sample(
        self,
        n: int = 64,
        *,
        seeds: Sequence[int] | None = None,
        given: Mapping[str, Any] | None = None,
        truncation: float | None = None,
        checkpoint: str = "latest",
        device: str = "cpu",
    ) -> np.ndarray:
        """Draw samples from the averaged generator of a checkpoint; see `sparring.sample`."""
        return sample(
            self.path,
            n,
            seeds=seeds,
            given=given,
            truncation=truncation,
            checkpoint=checkpoint,
            device=device,
            game=self._game,
        )

    def translate(
        self,
        pictures: np.ndarray,
        *,
        seeds: Sequence[int] | None = None,
        given: Mapping[str, Any] | None = None,
        reverse: bool = False,
        fit: bool = False,
        checkpoint: str = "latest",
        device: str = "cpu",
    ) -> np.ndarray:
        """Turn pictures of one kind into the other, at any size that the networks take.

        Args:
            pictures: `(N, H, W)` or `(N, H, W, C)`; grey ones into a run of colours, and the other way, too.
            seeds: of the styles, where the run has some; see the return.
            given: the label, where the run has classes: `{"y": "cat"}`.
            reverse: the way back, from what the run makes.
            fit: crop and resize pictures to the run's own size first, which is the scale that it has learnt.
            checkpoint: "latest", "best" or a round.
            device: auto, cpu, cuda or mps.

        Returns:
            uint8 `(N, H, W, C)`, or with `seeds` `(N, seeds, H, W, C)`. The alpha of the pictures is put back where the
            networks do not see it.

        Raises:
            UserError: a run that translates no pictures, or not back; pictures that are too small.
        """
        ready = sampler(self.path, checkpoint=checkpoint, device=device, game=self._game)
        return translate(Translation(ready, reverse, fit), pictures, seeds, given)

    def generator(self, *, checkpoint: str = "latest", device: str = "cpu") -> Generator:
        """The averaged generator of a checkpoint as a module: `x = G(z)`, or `G(z, y)` with labels.

        Raises:
            UserError: as for `sparring.sample`; or the run makes its samples from something else than noise and labels.
        """
        return generator_of(sampler(self.path, checkpoint=checkpoint, device=device, game=self._game))

    def encode(self, x: np.ndarray, *, checkpoint: str = "latest", device: str = "cpu") -> np.ndarray:
        """The codes of examples, where the game has an encoder; see `sparring.workflows.encode`."""
        return encode(sampler(self.path, checkpoint=checkpoint, device=device, game=self._game), x)

    def reconstruct(self, x: np.ndarray, *, checkpoint: str = "latest", device: str = "cpu") -> np.ndarray:
        """Examples made again from their codes; see `sparring.workflows.reconstruct`."""
        return reconstruct(sampler(self.path, checkpoint=checkpoint, device=device, game=self._game), x)

    def terms(self) -> list[dict[str, Any]]:
        """The log's records of terms, oldest first."""
        return self._records("terms")

    def health(self) -> list[dict[str, Any]]:
        """The log's records of the doctor's examinations, oldest first."""
        return self._records("health")

    def _records(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.directory.records() if record["kind"] == kind]


def train(
    source: Source | None = None,
    *,
    recipe: str | None = None,
    game: Game[Any] | None = None,
    config: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    init: str | Path | None = None,
    cache: bool = True,
    **settings: Unpack[Settings],
) -> Run:
    """Train a generator on a source: `plan` and `run` in one call.

    Args:
        source: a built-in name (`digits`), a folder or zip of pictures, an array, ...; see `sparring.data.open`.
        recipe: a name of `sparring recipes`; the default one if there is no game either.
        game: a game of your own, instead of a recipe.
        config: tables as in `config.toml`; everything else here overrides it.
        out: the run directory; by default the next free one under `runs/`.
        init: another run, whose newest networks this one begins with, as far as they fit; see `sparring.plan`.
        cache: see `sparring.data.open`.
        settings: `minutes=5`, `seed=1`, `options={"lr": 1e-4}`, ...; see `sparring.workflows.Settings`.

    Returns:
        The finished run.

    Raises:
        UserError: anything that the user can fix.
        DivergedError: a term of the loss was NaN or infinite.
    """
    opening = Opening(cache)
    made = plan(source, recipe=recipe, game=game, config=config, out=out, init=init, opening=opening, **settings)
    return _finish(made, game)


def resume(
    path: str | Path,
    *,
    source: Source | None = None,
    game: Game[Any] | None = None,
    cache: bool = True,
    **more: Unpack[Length],
) -> Run:
    """Go on with a run, exactly where its newest checkpoint left it; see `plan_resumed` for the arguments."""
    return _finish(plan_resumed(path, source=source, game=game, opening=Opening(cache), **more), game)


def _finish(decided: Plan, game: Game[Any] | None) -> Run:
    for _ in run(decided):
        pass
    return Run(decided.out.path, game)
