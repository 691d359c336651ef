"""What is timed: a recipe on data, as `sparring train` plays it when no more is set than here."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sparring import workflows
from sparring.loop import play

CASES = {
    "digits": ("digits", "default"),
    "digits-dcgan": ("digits", "dcgan"),
    "digits-wgan-gp": ("digits", "wgan-gp"),
    "digits-r3gan": ("digits", "r3gan"),
    "ring": ("ring", "default"),
    "rgb64": ("rgb64", "default"),
}
OPTIONS = {
    "digits-wgan-gp": {"network": "dcgan"},
    "digits-r3gan": {"network": "resnet", "penalty_every": 1},
}
"""The papers' networks and turns, which every revision has."""

PICTURES = 512


class Playing(NamedTuple):
    """A way to play.

    Args:
        rounds: each `next` plays one.
        images: examples that D is shown in a round.
    """

    rounds: Iterator[object]
    images: int


def source(data: str) -> str | np.ndarray:
    """Its name, or pictures of coloured waves."""
    if data != "rgb64":
        return data
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:64, 0:64]
    waves = rng.uniform(-0.3, 0.3, (PICTURES, 2, 3, 1, 1))
    return (127.5 + 127 * np.sin(waves[:, 0] * x + waves[:, 1] * y)).transpose(0, 2, 3, 1).astype(np.uint8)


def ours(case: str, precision: str) -> Playing:
    """The library's loop, with whatever it chooses for this game."""
    data, recipe = CASES[case]
    folder = tempfile.mkdtemp()  # a plan writes nothing
    how = {"recipe": recipe, "options": OPTIONS.get(case, {}), "precision": precision}
    plan = workflows.plan(source(data), seed=0, rounds=1_000_000, out=Path(folder) / "run", **how)
    before = plan.images()
    rounds = iter(play(plan.state, plan.data, plan.how))
    next(rounds)
    return Playing(rounds, plan.images() - before)
