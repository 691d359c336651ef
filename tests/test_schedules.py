import math
from itertools import islice

import pytest
import torch
from pydantic import Field
from torch import nn

from sparring import recipes, workflows
from sparring.config import Options, validated
from sparring.errors import UserError
from sparring.game import OptimizerConfig
from sparring.loop import play
from sparring.penalties import r1
from sparring.recipes import duel
from sparring.schedules import Schedule, Varying, at


class Some(Options):
    rate: Varying = Field(1.0, gt=0)
    decay: Varying = Field(0.9, ge=0, lt=1)


def test_a_schedule_falls_along_half_a_cosine_and_stays():
    falling = Schedule(3.0, 1.0, 0.5)
    for progress in (0.0, 0.1, 0.25, 0.4):
        assert falling(progress) == pytest.approx(2 + math.cos(math.pi * progress / 0.5))
    assert [falling(0.5), falling(0.7), falling(1.0)] == [1.0, 1.0, 1.0]
    assert at(0.3, 0.9) == 0.3


@pytest.mark.parametrize("text", ["2:0.2", "0:0.999@0.25", "5e-05:0.0002@0.1"])
def test_an_option_holds_a_schedule_as_text_and_gives_it_back(text):
    options = validated(Some, {"rate": "1:2", "decay": "0:0.5"} | {"rate": text.replace("0:", "1:", 1)}, "some")
    again = validated(Some, options.model_dump(), "some")
    assert again == options
    assert str(Schedule.parse(text)) == text
    assert isinstance(options.model_dump()["rate"], str)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"rate": "1:0"}, "rate = '1:0'"),
        ({"rate": "-1:1"}, "greater than 0"),
        ({"decay": "0:1"}, "less than 1"),
        ({"rate": "fast"}, "FIRST:LAST"),
        ({"rate": "1:2@0"}, "FIRST:LAST"),
        ({"rate": "1:2@1.5"}, "FIRST:LAST"),
        ({"rate": "1:inf"}, "FIRST:LAST"),
        ({"rate": "1:2:3"}, "FIRST:LAST"),
        ({"rate": True and [1]}, "FIRST:LAST"),
    ],
)
def test_bounds_hold_at_both_ends_and_what_is_no_schedule_is_refused(values, says):
    with pytest.raises(UserError, match=says):
        validated(Some, values, "some")


def test_rates_and_betas_reach_the_optimizers_and_the_average_its_decay():
    falling, rising = Schedule(1e-2, 1e-3), Schedule(0.5, 0.9)
    optimizer = OptimizerConfig(falling, betas=(0.0, rising), decay_from=0.5)
    assert optimizer.rate(0.75) == pytest.approx(falling(0.75) / 2)
    assert optimizer.highest == 1e-2
    plan = workflows.plan(
        "ring", game=duel(nn.Linear(2, 2), nn.Linear(2, 1), latent=2, optimizer=optimizer), rounds=4, out="unwritten"
    )
    seen = []
    for _ in islice(play(plan.state, plan.data, plan.how), 4):
        (group,) = plan.state.optimizers["generator"].param_groups
        seen.append((group["lr"], group["betas"]))
    expected = [(optimizer.rate(k / 4), (0.0, rising(k / 4))) for k in range(4)]
    assert [lr for lr, _ in seen] == pytest.approx([lr for lr, _ in expected])
    assert [betas for _, betas in seen] == [pytest.approx(betas) for _, betas in expected]


def test_an_average_follows_its_schedule():
    game = duel(nn.Linear(2, 2), nn.Linear(2, 1), latent=2, ema=Schedule(0.0, 0.8, 0.01))
    plan = workflows.plan("ring", game=game, rounds=100, out="unwritten")
    rounds = play(plan.state, plan.data, plan.how)
    next(rounds)  # a decay of 0
    live, average = plan.state.game.networks.G.weight, plan.state.averaged["G"].weight
    assert torch.equal(live, average)
    list(islice(rounds, 60))
    before = average.clone()
    next(rounds)
    assert torch.allclose(average, 0.8 * before + 0.2 * live, atol=1e-6)


def test_a_penalty_is_as_heavy_as_its_schedule_says():
    def penalty(progress: float) -> float:
        D = nn.Linear(2, 1, bias=False)
        D.weight.data[:] = torch.tensor([[3.0, 4.0]])
        game = duel(nn.Linear(2, 2), D, penalty=r1(1.0), penalty_weight=Schedule(2.0, 0.4), latent=2)
        plan = workflows.plan("ring", game=game, rounds=10, out="unwritten")
        plan.state.round = round(10 * progress)
        return next(play(plan.state, plan.data, plan.how)).terms["discriminator/r1"]

    # half the squared length of the gradient is 12.5
    assert [penalty(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([25.0, 15.0, 5.0])


def test_r3gans_burn_in_is_the_papers():
    recipe = recipes.get("r3gan")
    options = validated(recipe.options, {"burn_in": 0.2, "gamma": 2.0, "lr": 2e-4}, "r3gan")
    assert (options.lr, options.gamma) == (Schedule(2e-4, 5e-5, 0.2), Schedule(2.0, 0.2, 0.2))
    assert (options.beta2, options.ema) == (Schedule(0.9, 0.99, 0.2), Schedule(0.0, 0.999, 0.2))
    assert validated(recipe.options, options.model_dump(), "r3gan") == options
    own = validated(recipe.options, {"burn_in": 0.2, "gamma": "3:1"}, "r3gan")
    assert own.gamma == Schedule(3.0, 1.0)
    assert validated(recipe.options, {}, "r3gan").gamma == 1.0
