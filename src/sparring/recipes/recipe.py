"""What a recipe is: a paper, the options it leaves open, and the game they make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from sparring.config import Options, validated
from sparring.data import Data, is_paired
from sparring.errors import UserError
from sparring.game import Game
from sparring.kinds import Schema
from sparring.schedules import Varying

DECAY_FROM = "the part of the run after which the rates fall linearly to 0; 1 is never"
"""What the option of that name does, of which recipes have other defaults."""


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
        colour: the defaults for pictures of more than one channel, where they are not those of grey ones.
        takes: "examples" have a column "x"; "domains" have "a" and "b", and may be pairs; of "pairs" row i of "a"
            belongs to row i of "b".
        derive: (all options, the data) -> pairs, for a recipe that takes pairs and makes them of plain examples, by
            `sparring.data.Reduced` or `Holed`.
    """

    name: str
    title: str
    arxiv: str
    summary: str
    options: type[RecipeOptions]
    build: Callable[[Any, Schema], Game[Any]]
    points: Mapping[str, Any] = field(default_factory=dict)
    colour: Mapping[str, Any] = field(default_factory=dict)
    takes: Literal["examples", "domains", "pairs"] = "examples"
    derive: Callable[[Any, Data], Data] | None = None


def taken(recipe: Recipe, given: Mapping[str, Any], data: Data) -> Data:
    """The data as a recipe takes it: as it is, or the pairs that are made of it.

    Args:
        recipe: which.
        given: options by name.
        data: opened.

    Raises:
        UserError: the recipe is not for such data.
    """
    domains = {"a", "b"} <= data.schema.keys()
    if recipe.takes == "examples":
        if "x" not in data.schema:
            hint = "--recipe cyclegan, or name one of the folders"
            raise UserError(f"the data is of two kinds, a and b, and {recipe.name} takes one", hint)
    elif recipe.takes == "domains":
        if not domains:
            hint = "--a DIR --b DIR, or a folder with trainA/ and trainB/"
            raise UserError(f"{recipe.name} needs two kinds of pictures", hint)
        a, b = (data.schema[name].shape[1:] for name in "ab")
        if a != b:
            size = "x".join(map(str, b))
            sizes = f"{'x'.join(map(str, a))} and {size}"
            raise UserError(f"{recipe.name} needs pictures of one size, and these are of {sizes}", f"--size {size}")
    elif not domains and recipe.derive is not None:
        return recipe.derive(resolve(recipe, given, data.schema), data)
    elif not is_paired(data):
        hint = "--a DIR --b DIR for two folders with the same names, --pairs side-by-side for two in each picture"
        hint = "--pairs names" if domains else hint
        raise UserError(f"{recipe.name} needs pairs", hint)
    return data


def resolve(recipe: Recipe, given: Mapping[str, Any], schema: Schema) -> RecipeOptions:
    """All options of a recipe for such data: those that were given, and the defaults of the others.

    Args:
        recipe: which.
        given: options by name.
        schema: the data's, which decides the defaults: points are examples of one dimension, colours several channels.

    Raises:
        UserError: an option that the recipe does not have, or a value out of range.
    """
    shape = schema["x"].shape if "x" in schema else ()
    own = recipe.points if len(shape) == 1 else recipe.colour if len(shape) == 3 and shape[0] > 1 else {}
    return validated(recipe.options, {**own, **given}, f"recipe {recipe.name}")
