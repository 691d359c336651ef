"""Options by recipe and by kind of data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import sparring.data
from sparring import workflows
from sparring.data import Data, Paired, Reduced, Unpaired, is_paired
from sparring.errors import UserError
from sparring.recipes import RECIPES, Recipe, get, resolve, taken

RNG = np.random.default_rng(0)
POINTS = sparring.data.open(RNG.normal(size=(60, 2)).astype(np.float32))
PICTURES = sparring.data.open(RNG.integers(0, 256, (24, 8, 8), dtype=np.uint8))
COLOURS = sparring.data.open(RNG.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES.values() if recipe.takes == "examples"])
def test_points_and_colours_have_defaults_of_their_own_and_grey_pictures_keep_the_papers(recipe):
    own = recipe.options().model_dump()
    assert resolve(recipe, {}, PICTURES.schema).model_dump() == own
    assert resolve(recipe, {}, POINTS.schema).model_dump() == own | recipe.points
    assert resolve(recipe, {}, COLOURS.schema).model_dump() == own | recipe.colour
    # a value equal to the paper's says nothing; None is left out of config.toml, and would be read back as the default
    for more in (recipe.points, recipe.colour):
        assert not {name for name, value in more.items() if value in (own[name], None)}


def test_what_is_given_counts_more_than_what_follows_from_the_data():
    recipe = get("wgan-gp")
    assert {"lr", "penalty"} <= set(recipe.points)
    lr = recipe.options().lr
    options = resolve(recipe, {"lr": lr}, POINTS.schema)
    assert (options.lr, options.penalty) == (lr, recipe.points["penalty"])
    with pytest.raises(UserError, match="penaltie"):
        resolve(recipe, {"penaltie": 1}, POINTS.schema)


@pytest.mark.parametrize(("data", "given"), [(POINTS, {}), (POINTS, {"lr": 3e-3}), (PICTURES, {})])
def test_a_run_plays_what_its_config_says_and_goes_on_with_it(tmp_path, data, given):
    small = {"width": 4, "batch": 4}
    plan = workflows.plan(data, recipe="wgan-gp", rounds=2, options=small | given, doctor="off", out=tmp_path / "run")
    expected = resolve(get("wgan-gp"), small | given, data.schema)
    for _ in workflows.run(plan):
        pass
    _, written = workflows.existing(tmp_path / "run")
    assert get("wgan-gp").options(**written.options) == expected
    for played in (plan, workflows.plan_resumed(tmp_path / "run", source=data, rounds=1)):
        critic, generator = played.state.game.players
        assert critic.optimizer.lr == generator.optimizer.lr == expected.lr
        assert critic.turn.length == expected.n_critic


def test_a_wrong_option_is_refused_before_the_data_is_read(monkeypatch):
    monkeypatch.setattr(workflows.planning, "open_data", lambda *_: pytest.fail("was read"))
    with pytest.raises(UserError, match="lr = -1"):
        workflows.plan("ring", recipe="wgan-gp", options={"lr": -1})


def recipe_that(**how: Any) -> Recipe:
    return replace(get("cyclegan"), name="new", **how)


def data_of(kind: str) -> Data:
    return {"examples": PICTURES, "domains": Unpaired(PICTURES, PICTURES), "pairs": Paired(PICTURES, PICTURES)}[kind]


@pytest.mark.parametrize(
    ("takes", "given", "said"),
    [
        ("examples", "examples", ""),
        ("examples", "domains", "the data is of two kinds, a and b, and new takes one"),
        ("examples", "pairs", "the data is of two kinds"),
        ("domains", "examples", "new needs two kinds of pictures"),
        ("domains", "domains", ""),
        ("domains", "pairs", ""),
        ("pairs", "examples", "new needs pairs"),
        ("pairs", "domains", "new needs pairs"),
        ("pairs", "pairs", ""),
    ],
)
def test_a_recipe_is_given_what_it_takes(takes, given, said):
    data = data_of(given)
    if said:
        with pytest.raises(UserError, match=said) as error:
            taken(recipe_that(takes=takes), {}, data)
        assert error.value.hint
    else:
        assert taken(recipe_that(takes=takes), {}, data) is data


def test_a_run_of_pairs_that_are_made_of_examples_goes_on_and_is_reopened_as_such(tmp_path, monkeypatch):
    deriving = recipe_that(takes="pairs", derive=lambda options, data: Reduced(data, options.depth))
    made = taken(deriving, {"depth": 2}, PICTURES)
    assert [kind.shape for kind in made.schema.values()] == [(1, 4, 4), (1, 8, 8)]
    assert taken(deriving, {"depth": 2}, data_of("pairs")).schema["a"].shape == (1, 8, 8)
    same_size = recipe_that(takes="pairs", derive=lambda options, data: Paired(data, data))
    monkeypatch.setitem(RECIPES, "new", same_size)
    how = {"recipe": "new", "rounds": 1, "options": {"width": 4, "depth": 1}, "doctor": "off"}
    np.save(tmp_path / "pictures.npy", RNG.integers(0, 256, (24, 8, 8), dtype=np.uint8))
    plan = workflows.plan(tmp_path / "pictures.npy", out=tmp_path / "run", **how)
    assert set(plan.config.columns) == {"a", "b"}
    for _ in workflows.run(plan):
        pass
    assert is_paired(workflows.reopened("run", plan.config))
    assert is_paired(workflows.plan_resumed(tmp_path / "run", rounds=1).data)
