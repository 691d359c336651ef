"""What a recipe is: a paper, the options it leaves open, and the game they make."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from sparring.config import Options
from sparring.game import Game
from sparring.kinds import Schema


class BatchOptions(Options):
    """The option that every game has, a user's own too."""

    batch: int = Field(64, gt=0, description="examples a step")


class RecipeOptions(BatchOptions):
    """The options that every recipe has."""

    ema: float = Field(0.999, ge=0, lt=1, description="decay of the average of G that samples are drawn from")


@dataclass(frozen=True)
class Recipe:
    """One paper.

    Args:
        name: as on the command line.
        title: the paper's.
        arxiv: its id; empty where there is none.
        summary: one line.
        options: the model of its options, with the paper's values as defaults.
        build: (options, the data's schema) -> the game. Weights are drawn from torch's global generator.
    """

    name: str
    title: str
    arxiv: str
    summary: str
    options: type[RecipeOptions]
    build: Callable[[Any, Schema], Game[Any]]
