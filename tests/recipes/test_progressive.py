from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from sparring import checkpoint, workflows
from sparring.data import Data
from sparring.drawing import draw
from sparring.errors import UserError
from sparring.game import Step
from sparring.loop import Play, Round, State, play
from sparring.networks.growing import at_stage, enlarged
from sparring.recipes.progressive import stage_at
from sparring.workflows import playing

RAW = np.random.default_rng(0).integers(0, 256, (24, 13, 20, 2), dtype=np.uint8)
"""Levels of 4x5, 7x10 and 13x20."""

SIZES = [(7, 10), (13, 20)]


def planned(rounds: int = 10, **options) -> workflows.Plan:
    chosen = {"batch": 3, "width": 4} | options
    return workflows.plan(RAW, recipe="progressive", rounds=rounds, options=chosen, channels="raw", out="never-written")


def advance(plan: workflows.Plan, rounds: int) -> None:
    for _ in islice(play(plan.state, plan.data, plan.how), rounds):
        pass


def sampled(plan: workflows.Plan) -> torch.Tensor:
    return draw(plan.state.game, plan.state.sampled, plan.data.schema, [0, 1], {})


def test_levels_are_held_and_faded_in_for_equally_long():
    stages = np.array([stage_at(k / 1000, 4, 0.6) for k in range(1001)])
    assert (np.diff(stages) >= 0).all()
    for level in range(3):
        assert (stages == level).sum() == pytest.approx(100, abs=1)
        assert ((stages > level) & (stages < level + 1)).sum() == pytest.approx(100, abs=1)
    assert (stages[600:] == 3).all()
    assert [stage_at(progress, 4, 0.0) for progress in (0.0, 1.0)] == [3, 3]


def test_a_run_grows_and_its_samples_are_always_of_full_size():
    plan = planned()
    net, average = plan.state.game.networks, plan.state.averaged["G"]
    assert net.G.sizes == SIZES
    stages: list[float] = []
    for played in islice(play(plan.state, plan.data, plan.how), 10):
        assert played.terms.keys() == {
            *("discriminator/real", "discriminator/fake", "discriminator/gradient_penalty", "discriminator/drift"),
            "generator/fake",
        }
        stages.append(float(net.G.stage))
        assert net.D.stage == net.G.stage == average.stage
        made = sampled(plan)
        assert made.shape == (2, 2, 13, 20)
        if stages[-1] == 0:
            small = average(plan.state.game.noise(2, torch.Generator(), None))
            assert small.shape[2:] == SIZES[0]
            assert torch.equal(made, enlarged(made[:, :, ::2, ::2], SIZES[1]))
    assert stages == pytest.approx([0, 0, 0, 0, 1 / 3, 2 / 3, 1, 1, 1, 1], abs=1e-6)


def test_the_twin_is_whole_at_once():
    plan = planned(growth=0.0)
    assert plan.state.game.paces == (0.0,)
    advance(plan, 1)
    assert plan.state.game.networks.G.stage == plan.state.game.networks.D.stage == 1


def test_ds_terms_are_the_papers_on_pictures_of_the_stage():
    plan = planned(drift=0.5, penalty=0.0)
    game, net = plan.state.game, plan.state.game.networks
    x = plan.data.schema["x"].to_model(plan.data.batch(0, 3, 0)["x"])
    D = next(player for player in game.players if player.name == "discriminator")
    terms = D.loss(net, Step({"x": x}, 0, 0.45, torch.Generator().manual_seed(5), {}))
    assert net.D.stage.item() == pytest.approx(0.5)
    real = net.D(at_stage(x, SIZES, 0.5), 0.5)
    fake = net.D(net.G(game.noise(3, torch.Generator().manual_seed(5), None), 0.5), 0.5)
    torch.testing.assert_close(terms["real"], -real.mean())
    torch.testing.assert_close(terms["fake"], fake.mean())
    torch.testing.assert_close(terms["drift"], 0.5 * (real**2).mean())
    torch.testing.assert_close(game.critic(net, {"x": x}), real)


def test_each_level_begins_with_an_optimizer_that_has_never_stepped():
    plan = planned()
    state = plan.state
    advance(plan, 7)  # in rounds 4, 5 and 6 the second level takes part
    G, D = state.game.networks.G, state.game.networks.D
    for player, old, new in (
        ("generator", G.blocks[0], G.blocks[1]),
        ("discriminator", D.last, D.blocks[0]),
    ):
        moments = state.optimizers[player].state
        assert {int(moments[p]["step"]) for p in old.parameters()} == {7}
        assert {int(moments[p]["step"]) for p in new.parameters()} == {3}
    early = planned()
    advance(early, 4)
    net = early.state.game.networks
    unused = [*net.G.blocks[1].parameters(), *net.G.to_picture[1].parameters(), *net.D.blocks[0].parameters()]
    assert not any(p in optimizer.state for optimizer in early.state.optimizers.values() for p in unused)


@pytest.mark.parametrize("half", [3, 5, 6], ids=["held", "fading", "whole"])
def test_resumed_anywhere_it_is_what_it_would_have_been(half, tmp_path):
    def written(plan: workflows.Plan, name: str) -> dict[str, bytes]:
        checkpoint.write(plan.state, tmp_path / name, "progressive")
        return {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())}

    whole, first, second = planned(), planned(), planned()
    advance(whole, 9)
    advance(first, half)
    written(first, "half")
    checkpoint.read(second.state, tmp_path / "half", "progressive")
    assert second.state.game.networks.G.stage == first.state.game.networks.G.stage
    assert torch.equal(sampled(second), sampled(first))
    advance(second, 9 - half)
    assert written(second, "resumed") == written(whole, "whole")


def test_a_larger_budget_does_not_shrink_what_has_grown():
    plan = planned()
    advance(plan, 6)
    stage = float(plan.state.game.networks.G.stage)
    longer = replace(plan, how=replace(plan.how, horizon=None))
    advance(longer, 1)
    assert float(plan.state.game.networks.G.stage) == stage
    assert stage == pytest.approx(2 / 3, abs=1e-6)
    advance(replace(plan, how=replace(plan.how, horizon=20)), 1)  # where 7 rounds would be a stage of 1 / 6
    assert float(plan.state.game.networks.G.stage) == stage
    advance(replace(plan, how=replace(plan.how, horizon=13)), 1)
    assert float(plan.state.game.networks.G.stage) == 1


def test_later_rounds_are_foreseen_to_be_slower(monkeypatch):
    """By a clock on which rounds of the first level take 1 second, and those in which the second takes part 3."""
    plan = planned(rounds=1000)
    assert plan.state.game.paces == pytest.approx((0.0, 0.3))
    before, clock = checkpoint.digest(plan.state), [0.0]

    def timed(state: State, data: Data, how: Play) -> Iterator[Round]:
        for played in play(state, data, how):
            clock[0] += 3.0 if state.game.networks.G.stage > 0 else 1.0
            yield played

    monkeypatch.setattr(playing, "play", timed)
    monkeypatch.setattr(playing.time, "monotonic", lambda: clock[0])
    assert playing.slowdown(plan) == pytest.approx(0.3 * 1 + 0.7 * 3)
    assert checkpoint.digest(plan.state) == before
    assert playing.slowdown(planned(growth=0.0)) == 1.0


def test_points_do_not_grow():
    with pytest.raises(UserError, match="grows pictures"):
        workflows.plan("ring", recipe="progressive", rounds=1, out="never-written")
