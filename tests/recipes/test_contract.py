"""What every recipe must do, whatever its paper says. A new recipe is covered the day it enters the table."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import data_for
from torch import Tensor

from sparring import checkpoint, workflows
from sparring.drawing import draw, rows_for
from sparring.errors import UserError
from sparring.loop import State, play, take_turn
from sparring.recipes import RECIPES

TRAINS = {
    "projection": {"discriminator": {"D", "E"}, "generator": {"G"}},
    "sgan": {"discriminator": {"D", "L"}, "generator": {"G"}},
    "acgan": {"discriminator": {"D", "C"}, "generator": {"G"}},
    "began": {"generator": {"G"}, "discriminator": {"D", "K"}},
    "infogan": {"discriminator": {"D"}, "generator": {"G", "Q"}},
    "cyclegan": {"translators": {"G", "F"}, "discriminators": {"D_A", "D_B", "P_A", "P_B"}},
    "bigan": {"discriminator": {"D"}, "generator": {"G", "E"}},
    "aae": {"autoencoder": {"E", "G"}, "discriminator": {"D"}},
    "improved": {"discriminator": {"D", "past_D"}, "generator": {"G", "past_G"}},
    "clustergan": {"discriminator": {"D"}, "generator": {"G", "E"}},
    "stylegan2": {"discriminator": {"D"}, "generator": {"G", "A"}},
    "bicyclegan": {"generator": {"G", "E"}, "discriminator": {"D"}},
    "discogan": {"translators": {"G", "F"}, "discriminators": {"D_A", "D_B"}},
    "dualgan": {"critics": {"D_A", "D_B"}, "translators": {"G", "F"}},
    "unit": {"translators": {"G"}, "discriminators": {"D_A", "D_B"}},
    "munit": {
        "translators": {"C_A", "C_B", "S_A", "S_B", "G_A", "G_B"},
        "discriminators": {"D_A", "D_B"},
    },
    "stargan": {"discriminator": {"D", "C"}, "generator": {"G"}},
    "pixelda": {"discriminator": {"D", "T"}, "generator": {"G"}},
    "ccgan": {"discriminator": {"D", "C"}, "generator": {"G"}},
}
"""What each player's turn changes, by the papers and not by the games that are checked."""
TWO_NETWORKS = {"discriminator": {"D"}, "generator": {"G"}}

REACHED = {2: 0, 3: 1}
"""The level of progressive after a quarter of a run, by how many there are: the first, or the second being faded in."""


def in_use(recipe: str, levels: int, name: str) -> bool:
    """Whether a parameter takes part after a quarter of the run, as all do in networks that do not grow."""
    found = re.match(r"(\w)\.(blocks|to_picture|from_picture)\.(\d+)\.", name)
    if recipe != "progressive" or not found:
        return True
    level = int(found[3]) + (found[1] == "D" and found[2] == "blocks")  # D's first block begins at the second level
    return level <= REACHED[levels]


SHAPES = {"8x8 grey": (1, 8, 8), "24x40 RGB": (3, 24, 40)}


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def shape(request: pytest.FixtureRequest) -> tuple[int, ...]:
    return request.param


def start(recipe: str, shape: tuple[int, ...], batch: int = 3) -> workflows.Plan:
    options = {"batch": batch, "width": 4}
    return workflows.plan(data_for(recipe, shape), recipe=recipe, rounds=4, options=options, out="never-written")


def advance(plan: workflows.Plan, rounds: int) -> list[dict[str, float]]:
    return [played.terms for played in itertools.islice(play(plan.state, plan.data, plan.how), rounds)]


def snapshot(state: State) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in checkpoint.network_tensors(state).items()}


def written(plan: workflows.Plan, folder: Path) -> dict[str, bytes]:
    checkpoint.write(plan.state, folder, plan.config.recipe)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_rounds_have_finite_terms_of_every_player_that_has_entered(recipe, shape):
    plan = start(recipe, shape)
    players = plan.state.game.players
    assert all(player.enters <= 0.5 for player in players)
    for progress, terms in zip((0.0, 0.25, 0.5), advance(plan, 3), strict=True):
        assert np.isfinite(list(terms.values())).all()
        assert {name.split("/")[0] for name in terms} == {each.name for each in players if each.enters <= progress}


def test_a_turn_changes_every_parameter_its_player_owns_and_nothing_else(recipe, shape):
    plan = start(recipe, shape)
    state = plan.state
    advance(plan, 1)  # a branch that starts at zero lets gradient through from its second step on
    left: dict[str, Tensor] = {}
    trains = TRAINS.get(recipe, TWO_NETWORKS)
    assert {player.name for player in state.game.players} == set(trains)
    for player in state.game.players:
        before = snapshot(state)
        take_turn(state, player, plan.data, plan.how, left)
        after = snapshot(state)
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        allowed = {n for n in before if n.removeprefix("average.").split(".")[0] in trains[player.name]}
        networks = state.game.modules()
        owned = {f"{name}.{p}" for name in trains[player.name] for p, _ in networks[name].named_parameters()}
        assert moved <= allowed
        used = {each for each in owned if in_use(recipe, {8: 2, 24: 3}[shape[1]], each)}
        assert owned & moved == used
        assert len(used) > len(owned) / 3
        assert all(p.grad is None for network in networks.values() for p in network.parameters())


def test_every_term_carries_gradient_to_its_player(recipe, shape):
    plan = start(recipe, shape)
    state = plan.state
    advance(plan, 1)
    left: dict[str, Tensor] = {}
    for player in state.game.players:
        owned = state.owned[player.name]
        silent: list[str] = []

        def spied(networks, step, player=player, owned=owned, silent=silent):
            terms = player.loss(networks, step)
            for name, term in terms.items():
                gradients = torch.autograd.grad(term, owned, retain_graph=True, allow_unused=True)
                if not any(g is not None and g.abs().sum() > 0 for g in gradients):
                    silent.append(name)
            return terms

        take_turn(state, replace(player, loss=spied), plan.data, plan.how, left)
        # a hinge is flat for examples beyond its margin, and a fresh critic's clip can reach all of them
        assert silent == []


def test_saved_and_resumed_equals_uninterrupted(recipe, shape, tmp_path):
    whole, first, second = start(recipe, shape), start(recipe, shape), start(recipe, shape)
    advance(whole, 4)
    advance(first, 2)
    written(first, tmp_path / "half")
    checkpoint.read(second.state, tmp_path / "half", recipe)
    advance(second, 2)
    assert written(second, tmp_path / "resumed") == written(whole, tmp_path / "whole")
    assert written(first, tmp_path / "half") != written(whole, tmp_path / "whole")


def test_sampling_leaves_no_trace_on_training(recipe, shape, tmp_path):
    watched, unwatched = start(recipe, shape), start(recipe, shape)
    for _ in range(2):
        advance(watched, 1)
        state, schema = watched.state, watched.data.schema
        given = rows_for([1, 2, 3], watched.data.held_out(2))
        made = draw(state.game, state.sampled, schema, [1, 2, 3], given)
        assert made.shape == (3, *shape)
    advance(unwatched, 2)
    assert written(watched, tmp_path / "a") == written(unwatched, tmp_path / "b")


def test_a_batch_of_one_is_played(recipe):
    if recipe == "gan":  # its generator normalises single vectors
        with pytest.raises(UserError, match="batch of one"):
            start(recipe, (1, 8, 8), batch=1)
    else:
        assert np.isfinite(list(advance(start(recipe, (1, 8, 8), batch=1), 1)[0].values())).all()


ENCODERS = {"bigan", "aae", "clustergan"}


def test_an_encoder_makes_codes_that_can_be_sampled(recipe, shape):
    plan = start(recipe, shape)
    state = plan.state
    assert (state.game.encode is not None) == (recipe in ENCODERS)
    if state.game.encode is None:
        return
    assert {"E", "G"} <= set(state.game.sampling())  # so that a run can be encoded without its other networks
    assert "E" in state.averaged
    x = plan.data.schema["x"].to_model(plan.data.batch(0, 3, 0)["x"])
    codes = state.game.encode(state.sampled, x)
    assert codes.shape == state.game.noise(3, torch.Generator(), None).shape
    with torch.no_grad():
        assert state.game.sample(state.sampled, codes, {}).shape == x.shape


def test_the_critic_scores_each_example(recipe, shape):
    plan = start(recipe, shape)
    rows = {name: plan.data.schema[name].to_model(column) for name, column in plan.data.batch(0, 5, 0).items()}
    scores = plan.state.game.critic(plan.state.game.networks, rows)
    assert scores.shape == (5,)
