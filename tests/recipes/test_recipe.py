"""Options by recipe and by kind of data."""

import numpy as np
import pytest

import sparring.data
from sparring import workflows
from sparring.errors import UserError
from sparring.recipes import RECIPES, get, resolve

RNG = np.random.default_rng(0)
POINTS = sparring.data.open(RNG.normal(size=(60, 2)).astype(np.float32))
PICTURES = sparring.data.open(RNG.integers(0, 256, (24, 8, 8), dtype=np.uint8))


@pytest.mark.parametrize("recipe", [recipe for name, recipe in RECIPES.items() if name != "cyclegan"])
def test_points_have_defaults_of_their_own_and_pictures_keep_the_papers(recipe):
    own = recipe.options().model_dump()
    assert resolve(recipe, {}, PICTURES.schema).model_dump() == own
    assert resolve(recipe, {}, POINTS.schema).model_dump() == own | recipe.points
    # a value equal to the paper's says nothing; None is left out of config.toml, and would be read back as the default
    assert not {name for name, value in recipe.points.items() if value in (own[name], None)}


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
