"""What a recipe is: a paper, the options it leaves open, and the game they make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from sparring.config import Options, validated
from sparring.game import Game
from sparring.kinds import Schema
from sparring.schedules import Varying


class BatchOptions(Options):
    """The option that every game has, a user's own too."""

    batch: int = Field(64, gt=0, description="examples a step")


class RecipeOptions(BatchOptions):
    """The options that every recipe has."""

    ema: Varying = Field(0.999, ge=0, lt=1, description="decay of the average of G that samples are drawn from")


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
        points: the defaults for points, where they are not the paper's: no paper here has an example of a few numbers.
    """

    name: str
    title: str
    arxiv: str
    summary: str
    options: type[RecipeOptions]
    build: Callable[[Any, Schema], Game[Any]]
    points: Mapping[str, Any] = field(default_factory=dict)


def resolve(recipe: Recipe, given: Mapping[str, Any], schema: Schema) -> RecipeOptions:
    """All options of a recipe for such data: those that were given, and the defaults of the others.

    Args:
        recipe: which.
        given: options by name.
        schema: the data's, which decides the defaults: points are examples of one dimension.

    Raises:
        UserError: an option that the recipe does not have, or a value out of range.
    """
    points = "x" in schema and len(schema["x"].shape) == 1
    return validated(recipe.options, {**(recipe.points if points else {}), **given}, f"recipe {recipe.name}")
