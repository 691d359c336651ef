import itertools
import math
import random
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring import loop, penalties
from sparring.checkpoint import network_tensors, read, write
from sparring.errors import UserError
from sparring.game import Game, Latent, OptimizerConfig, Player, always, epochs, every, from_round, steps
from sparring.kinds import Points
from sparring.loop import DivergedError, Play, State, evaluating, only, play, seed_of, take_turn, to_training
from sparring.objectives import OBJECTIVES, non_saturating
from sparring.recipes import duel

SGD = OptimizerConfig(0.1, "sgd")
HOW = Play(seed=0, batch=4, horizon=4)


class Rows:
    """Data whose batches follow one another through fixed rows, whatever the seed."""

    def __init__(self, count: int = 10, dim: int = 2) -> None:
        self.rows = torch.randn(count, dim, generator=torch.Generator().manual_seed(9))
        self.asked: list[int] = []
        self.schema = {"x": Points((dim,), (0.0,) * dim, (1.0,) * dim)}

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, draw: int, size: int, seed: int) -> dict[str, Tensor]:
        self.asked.append(draw)
        return {"x": self.rows[torch.arange(draw * size, (draw + 1) * size) % len(self.rows)]}


class Reassigned(nn.Module):
    """A layer that replaces its buffer instead of writing into it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen = self.seen + 1
        return x


class Trio(NamedTuple):
    G: nn.Module
    D: nn.Module
    E: nn.Module


def generator() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))


def discriminator() -> nn.Sequential:
    first, last = spectral_norm(nn.Linear(2, 5)), spectral_norm(nn.Linear(5, 1))
    return nn.Sequential(first, nn.BatchNorm1d(5), nn.LeakyReLU(0.2), last)


def careless(kind: str = "batch norm and spectral norm") -> State:
    """A game whose players detach nothing and spare nobody; E is used by both and trained by neither."""
    noise = Latent(3)
    networks = Trio(generator(), discriminator(), nn.Identity())
    if kind == "buffers that are replaced":
        networks.G.append(Reassigned())
        networks.D.append(Reassigned())
    if kind == "a network that nobody trains":
        networks = networks._replace(E=nn.Linear(2, 2))

    def scores(net, step):
        real = step.batch["x"]
        return net.D(net.E(real)), net.D(net.E(net.G(noise(len(real), step.rng))))

    def discriminate(net, step):
        return non_saturating.discriminator(*scores(net, step))

    def generate(net, step):
        return non_saturating.generator(*scores(net, step))

    players = (
        Player("discriminator", ("D",), discriminate, OptimizerConfig(0.01), steps(2)),
        Player("generator", ("G",), generate, OptimizerConfig(0.01)),
    )
    return State.start(
        Game(networks, players, noise, lambda net, z, conditions: net.G(z), lambda net, b: net.D(b["x"]))
    )


def everything(state: State) -> dict[str, Tensor]:
    """Every parameter, gradient and buffer of the networks, copied."""
    found: dict[str, Tensor] = {}
    for name, network in state.game.networks._asdict().items():
        found |= {f"{name} buffer {key}": value.clone() for key, value in network.named_buffers()}
        for key, parameter in network.named_parameters():
            found[f"{name} parameter {key}"] = parameter.detach().clone()
            if parameter.grad is not None:
                found[f"{name} gradient {key}"] = parameter.grad.clone()
    return found


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {key for key in before.keys() | after.keys() if not same(before.get(key), after.get(key))}


def same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is not None and b is not None and torch.equal(a, b)


def one_player(loss, **changes) -> State:
    """A game of a single player that trains D, a linear map."""
    given = {"optimizer": SGD, "turn": steps(1), **changes}
    networks = Trio(nn.Linear(3, 2), nn.Linear(2, 1), nn.Identity())
    game = Game(
        networks, (Player("discriminator", ("D",), loss, **given),), Latent(3), lambda *_: None, lambda *_: None
    )
    return State.start(game)


def advance(state: State, data, how: Play, rounds: int) -> list[dict[str, float]]:
    return [played.terms for played in itertools.islice(play(state, data, how), rounds)]


def weights(state: State) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network_tensors(state).items()}


def equal(a: State, b: State) -> bool:
    return not moved(weights(a), weights(b))


KINDS = ["batch norm and spectral norm", "buffers that are replaced", "a network that nobody trains"]


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_a_turn_leaves_all_that_is_not_its_own_bit_identical(kind, index):
    state = careless(kind)
    player = state.game.players[index]
    for network in state.game.networks:
        for parameter in network.parameters():
            parameter.grad = torch.full_like(parameter, 7.0)
    before = everything(state)
    take_turn(state, player, Rows(), HOW, {})
    changed = moved(before, everything(state))
    assert {key[0] for key in changed} == set(player.trains)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_without_the_guard_the_same_call_moves_the_others(kind, index):
    state = careless(kind)
    player = state.game.players[index]
    before = everything(state)
    step = loop._draw(state, player, Rows(), HOW, 0, 0, {})
    sum(player.loss(state.game.networks, step).values()).backward()
    changed = moved(before, everything(state))
    other = "G" if player.name == "discriminator" else "D"
    assert {(other, "buffer"), (other, "gradient")} <= {tuple(key.split()[:2]) for key in changed}
    assert (f"{other} buffer 4.seen" in changed) == (kind == "buffers that are replaced")
    assert ("E gradient weight" in changed) == (kind == "a network that nobody trains")


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_the_guard_puts_back_buffers_even_after_an_exception(kind, index):
    state = careless(kind)
    player = state.game.players[index]
    before = everything(state)

    def failing(net, step):
        player.loss(net, step)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take_turn(state, replace(player, loss=failing), Rows(), HOW, {})
    changed = moved(before, everything(state))
    assert {key[0] for key in changed} <= set(player.trains)
    assert {p.requires_grad for network in state.game.networks for p in network.parameters()} == {True}


def test_a_player_sees_only_its_own_parameters_as_trainable():
    seen = {}
    state = careless("a network that nobody trains")

    def spying(player):
        def loss(net, step):
            seen[player.name] = {name: {p.requires_grad for p in n.parameters()} for name, n in net._asdict().items()}
            return player.loss(net, step)

        return replace(player, loss=loss)

    for player in state.game.players:
        take_turn(state, spying(player), Rows(), HOW, {})
    assert seen["discriminator"] == {"G": {False}, "D": {True}, "E": {False}}
    assert seen["generator"] == {"G": {True}, "D": {False}, "E": {False}}


@pytest.mark.parametrize("asleep", ["G", "D"])
def test_a_player_whose_network_is_frozen_whole_only_says_its_terms(asleep):
    torch.manual_seed(0)
    networks = {"G": generator(), "D": nn.Sequential(nn.Linear(2, 5), nn.Linear(5, 1))}
    networks[asleep].requires_grad_(False)
    state = State.start(duel(networks["G"], networks["D"], latent=3, optimizer=SGD))
    before = {name: [p.clone() for p in network.parameters()] for name, network in networks.items()}
    played = next(play(state, Rows(), HOW))
    assert {name.split("/")[0] for name in played.terms} == {"discriminator", "generator"}
    for name, network in networks.items():
        same = [torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True)]
        assert all(same) == (name == asleep)


def test_parameters_frozen_by_the_user_stay_frozen_and_the_rest_learns():
    networks = generator(), discriminator()
    for network in networks:
        network[0].requires_grad_(False)
    state = State.start(duel(*networks, latent=3, optimizer=OptimizerConfig(0.01)))
    before = {id(p): p.detach().clone() for network in networks for p in network.parameters()}
    advance(state, Rows(), HOW, 3)
    for network in networks:
        frozen = set(network[0].parameters())
        for parameter in network.parameters():
            assert parameter.requires_grad == (parameter not in frozen)
            assert torch.equal(parameter, before[id(parameter)]) == (parameter in frozen)
            assert parameter.grad is None


def test_only_restores_what_the_user_froze_when_the_turn_fails():
    state = careless()
    frozen = state.game.networks.D[1].weight
    frozen.requires_grad_(False)
    state = State.start(state.game)
    with pytest.raises(KeyError), only(state, state.game.players[0]):
        raise KeyError
    networks = state.game.networks
    assert [p for network in networks for p in network.parameters() if not p.requires_grad] == [frozen]


@pytest.mark.parametrize(
    ("turn", "accumulate", "expected"),
    [(steps(5), 1, 5), (steps(1), 3, 1), (epochs(1), 1, 3), (epochs(2), 1, 6), (epochs(1), 2, 2)],
)
def test_a_turn_has_so_many_steps_and_never_the_same_batch(turn, accumulate, expected):
    calls = []

    def loss(net, step):
        calls.append(step.rng.initial_seed())
        return {"score": net.D(step.batch["x"]).mean()}

    state, data = one_player(loss, turn=turn), Rows(10)
    advance(state, data, replace(HOW, accumulate=accumulate), 2)
    assert state.steps == {"discriminator": 2 * expected}
    assert data.asked == list(range(2 * expected * accumulate))
    assert len(set(calls)) == len(calls) == 2 * expected * accumulate
    assert state.round == 2


def test_each_step_starts_without_gradient_of_the_one_before():
    # two steps of SGD on a linear loss move twice as far as one; with stale gradient, three times
    def loss(net, step):
        return {"weight": net.D.weight.sum()}

    state = one_player(loss, turn=steps(2))
    before = state.game.networks.D.weight.detach().clone()
    advance(state, Rows(), HOW, 1)
    torch.testing.assert_close(before - state.game.networks.D.weight.detach(), torch.full((1, 2), 0.2))


def test_players_sit_out_the_rounds_that_are_not_theirs():
    def loss(net, step):
        return {"score": net.D(step.batch["x"]).mean()}

    def player(name, plays):
        return Player(name, ("D",), loss, SGD, plays=plays)

    base = one_player(loss).game
    state = State.start(
        replace(base, players=(player("always", always), player("lazy", every(2)), player("late", from_round(3))))
    )
    playing = [{name.split("/")[0] for name in terms} for terms in advance(state, Rows(), HOW, 4)]
    assert playing == [{"always", "lazy"}, {"always"}, {"always", "lazy"}, {"always", "late"}]
    assert state.steps == {"always": 4, "lazy": 2, "late": 1}


def test_a_player_that_enters_later_asks_for_nothing_before():
    base = one_player(mean_square).game
    late = replace(base.players[0], name="late", enters=0.5)
    state, data = State.start(replace(base, players=(late,))), Rows()
    before = {name: value.clone() for name, value in base.networks.D.state_dict().items()}
    how = replace(HOW, horizon=4)
    assert advance(state, data, how, 2) == [{}, {}]
    assert (data.asked, state.steps) == ([], {"late": 0})
    assert all(torch.equal(value, before[name]) for name, value in state.game.networks.D.state_dict().items())
    assert [set(terms) for terms in advance(state, data, how, 2)] == [{"late/square", "late/score"}] * 2
    assert state.steps == {"late": 2}


def mean_square(net, step):
    return {"square": (net.D(step.batch["x"]) - 1).square().mean(), "score": net.D(step.batch["x"]).mean()}


def test_accumulating_k_batches_equals_one_batch_k_times_as_big():
    accumulated, whole, small = (one_player(mean_square) for _ in range(3))
    for other in (whole, small):
        other.game.networks.D.load_state_dict(accumulated.game.networks.D.state_dict())
    data = Rows(24)
    terms = advance(accumulated, data, replace(HOW, batch=2, accumulate=3), 4)
    expected = advance(whole, data, replace(HOW, batch=6), 4)
    advance(small, data, replace(HOW, batch=2), 4)
    pair = [dict(state.game.networks.D.named_parameters()) for state in (accumulated, whole)]
    torch.testing.assert_close(*pair, rtol=0, atol=1e-6)
    assert terms == [pytest.approx(each, abs=1e-6) for each in expected]
    assert not torch.allclose(pair[0]["weight"], small.game.networks.D.weight, atol=1e-3)


def test_terms_are_averaged_over_the_steps_of_a_turn():
    values = iter([1.0, 2.0, 6.0, 10.0, 20.0, 30.0])

    def loss(net, step):
        return {"value": net.D.weight.sum() * 0 + next(values)}

    state = one_player(loss, turn=steps(3))
    assert advance(state, Rows(), HOW, 2) == [{"discriminator/value": 3.0}, {"discriminator/value": 20.0}]


def test_the_average_follows_weights_and_buffers_and_copies_counters():
    game = replace(
        duel(generator(), nn.Linear(2, 1), latent=3, optimizer=OptimizerConfig(0.05)), average=("G",), decay=0.2
    )
    state = State.start(game)
    live, averaged = game.networks.G, state.averaged["G"]
    expected = {name: value.double() for name, value in live.state_dict().items()}
    for step in range(1, 6):
        advance(state, Rows(), HOW, 1)
        decay = min(0.2, step / (step + 9))
        for name, value in live.state_dict().items():
            if value.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * value.double()
            else:
                expected[name] = value.double()
            torch.testing.assert_close(averaged.state_dict()[name].double(), expected[name], rtol=0, atol=1e-6)
    assert live[1].num_batches_tracked == averaged[1].num_batches_tracked > 0
    assert not torch.allclose(live[0].weight, averaged[0].weight, atol=1e-4)
    assert not torch.equal(live[1].running_mean, averaged[1].running_mean)


def test_the_average_is_of_the_trained_network_only_and_is_sampled_from():
    state = State.start(duel(generator(), discriminator(), latent=3))
    assert state.sampled.G is state.averaged["G"] is not state.game.networks.G
    assert state.sampled.D is state.game.networks.D
    assert not any(p.requires_grad for p in state.averaged["G"].parameters())
    before = {name: value.clone() for name, value in state.averaged["G"].state_dict().items()}
    take_turn(state, state.game.players[0], Rows(), HOW, {})
    assert not moved(before, state.averaged["G"].state_dict())
    take_turn(state, state.game.players[1], Rows(), HOW, {})
    assert moved(before, state.averaged["G"].state_dict())


def forgetful() -> State:
    """A game with dropout in both networks; equal weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        G = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 2))
        D = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 1))
    return State.start(duel(G, D, latent=3, optimizer=OptimizerConfig(0.01)))


def disturbed(state: State, rounds: int) -> None:
    for played in itertools.islice(play(state, Rows(), HOW), rounds):
        torch.manual_seed(1000 + played.number)
        torch.rand(played.number)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = forgetful(), forgetful(), forgetful()
    advance(first, Rows(), HOW, 3)
    advance(again, Rows(), HOW, 3)
    advance(other, Rows(), replace(HOW, seed=1), 3)
    assert equal(first, again)
    assert not equal(first, other)


def test_dropout_does_not_depend_on_the_global_generator():
    calm, shaken = forgetful(), forgetful()
    advance(calm, Rows(), HOW, 3)
    disturbed(shaken, 3)
    assert equal(calm, shaken)


def test_without_its_own_seed_dropout_would_depend_on_the_global_generator(monkeypatch):
    monkeypatch.setattr(loop, "seed_global", lambda seed, device: None)
    calm, shaken = forgetful(), forgetful()
    advance(calm, Rows(), HOW, 3)
    disturbed(shaken, 3)
    assert not equal(calm, shaken)


def test_dropout_goes_on_exactly_after_a_resume(tmp_path):
    whole, first, second = forgetful(), forgetful(), forgetful()
    advance(whole, Rows(), HOW, 5)
    advance(first, Rows(), HOW, 2)
    write(first, tmp_path / "2", "custom")
    torch.manual_seed(77)
    read(second, tmp_path / "2", "custom")
    advance(second, Rows(), HOW, 3)
    assert equal(whole, second)
    assert not equal(whole, first)


def test_every_step_of_every_player_draws_its_own_dropout_and_noise():
    masks, noises = set(), set()
    dropout = nn.Dropout(0.5)

    def loss(net, step):
        masks.add(tuple(dropout(torch.ones(64)).tolist()))
        noises.add(tuple(torch.randn(4, generator=step.rng).tolist()))
        return {"score": net.D(step.batch["x"]).mean()}

    game = one_player(loss, turn=steps(2)).game
    both = replace(game, players=(*game.players, replace(game.players[0], name="another")))
    advance(State.start(both), Rows(), replace(HOW, accumulate=2), 3)
    assert len(masks) == len(noises) == 24


def test_the_global_generators_are_left_as_they_were():
    state = forgetful()
    torch.manual_seed(3)
    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    advance(state, Rows(), HOW, 2)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), str(np.random.get_state()))


def test_the_global_generator_is_left_as_it_was_by_a_failing_turn():
    def loss(net, step):
        torch.rand(3)
        raise ZeroDivisionError

    state = one_player(loss)
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        advance(state, Rows(), HOW, 1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_seed_depends_on_each_of_its_words_and_their_order():
    words = [(0, 1, "a"), (1, 0, "a"), (0, 1, "b"), (0, "1", "a"), (0, 1), (0, 1, "a", 0)]
    seeds = [seed_of(*each) for each in words]
    assert len(set(seeds)) == len(seeds)
    assert seed_of(0, 1, "a") == seeds[0]
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_progress_goes_from_0_to_1_and_stays_there():
    seen = []

    def loss(net, step):
        seen.append((step.round, step.progress))
        return {"score": net.D(step.batch["x"]).mean()}

    advance(one_player(loss), Rows(), HOW, 6)
    assert seen == [(0, 0.0), (1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0), (5, 1.0)]


def test_rates_fall_to_0_over_the_last_part_of_the_run():
    def score(net, step):
        return {"score": net.D(step.batch["x"]).mean()}

    def steps_taken(decay_from: float) -> list[float]:
        state = one_player(score, optimizer=replace(SGD, decay_from=decay_from))
        taken = []
        for _ in range(6):
            before = state.game.networks.D.bias.item()
            advance(state, Rows(), HOW, 1)
            taken.append(round(before - state.game.networks.D.bias.item(), 5))
        return taken

    assert steps_taken(1.0) == [0.1] * 6
    assert steps_taken(0.0) == [0.1, 0.075, 0.05, 0.025, 0.0, 0.0]
    assert steps_taken(0.5) == [0.1, 0.1, 0.1, 0.05, 0.0, 0.0]


def test_what_a_player_leaves_reaches_the_next_in_this_round_only():
    found = []

    def first(net, step):
        found.append(dict(step.left))
        step.left["mark"] = torch.tensor(float(step.round))
        return {"score": net.D(step.batch["x"]).mean()}

    def second(net, step):
        found.append({key: value.item() for key, value in step.left.items()})
        return {"score": net.D(step.batch["x"]).mean()}

    base = one_player(first).game
    players = (Player("first", ("D",), first, SGD), Player("second", ("D",), second, SGD))
    advance(State.start(replace(base, players=players)), Rows(), HOW, 2)
    assert found == [{}, {"mark": 0.0}, {}, {"mark": 1.0}]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("accumulate", "number"), [(1, 0), (2, 1)])
def test_a_term_that_is_not_finite_is_named_and_touches_nothing(bad, accumulate, number):
    def loss(net, step):
        sick = bad if step.round == 2 and len(calls) % accumulate == number else 1.0
        calls.append(step.round)
        score = net.D(step.batch["x"]).mean()
        return {"fine": score, "sick": score * sick, "sicker": score * sick}

    calls: list[int] = []
    state = one_player(loss, optimizer=OptimizerConfig(0.01))
    state.game = replace(state.game, average=("D",))
    state = State.start(state.game)
    advance(state, Rows(), replace(HOW, accumulate=accumulate), 2)
    before = weights(state), str(state.optimizers["discriminator"].state_dict()), dict(state.steps)
    with pytest.raises(DivergedError, match=r"discriminator/sick became .* in round 2") as caught:
        advance(state, Rows(), replace(HOW, accumulate=accumulate), 1)
    assert (caught.value.term, caught.value.round) == ("discriminator/sick", 2)
    assert not math.isfinite(caught.value.value)
    assert not moved(before[0], weights(state))
    assert before[1:] == (str(state.optimizers["discriminator"].state_dict()), dict(state.steps))
    assert state.round == 2


def test_after_is_called_with_the_networks_after_each_step():
    seen = []

    def after(net):
        seen.append(net.D.weight.abs().max().item())
        with torch.no_grad():
            net.D.weight.clamp_(-0.01, 0.01)

    state = one_player(mean_square, turn=steps(3), after=after)
    state.game = replace(state.game, average=("D",))
    state = State.start(state.game)
    advance(state, Rows(), HOW, 1)
    assert len(seen) == 3
    assert all(size > 0.01 for size in seen)  # it comes after the step, which leaves the range
    assert state.game.networks.D.weight.abs().max() <= 0.01
    # the average is of the clipped weights: what remains of the start is 1/10 · 2/11 · 3/12 of it
    assert state.averaged["D"].weight.abs().max() <= 0.01 + 0.71 * 6 / 1320


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_terms_stay_in_float32_where_the_networks_run_in_bfloat16(objective):
    dtypes: dict[str, set[torch.dtype]] = {"D": set(), "terms": set()}
    D = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    D.register_forward_hook(lambda module, given, made: dtypes["D"].add(made.dtype))
    penalty = penalties.together(penalties.gradient_penalty(10.0), penalties.r1(1.0), penalties.r2(1.0))
    game = duel(generator(), D, objective, penalty, latent=3)

    def spying(player):
        def loss(net, step):
            terms = player.loss(net, step)
            dtypes["terms"] |= {term.dtype for term in terms.values()}
            return terms

        return replace(player, loss=loss)

    state = State.start(replace(game, players=tuple(spying(player) for player in game.players)))
    advance(state, Rows(), replace(HOW, precision=torch.bfloat16), 1)
    assert torch.bfloat16 in dtypes["D"]
    assert dtypes["terms"] == {torch.float32}
    assert {p.dtype for network in game.networks for p in network.parameters()} == {torch.float32}


def test_evaluating_restores_every_modules_mode():
    net = Trio(generator(), discriminator(), nn.Dropout())
    net.G[1].eval()

    def modes():
        return [module.training for network in net for module in network.modules()]

    before = modes()
    assert len(set(before)) == 2
    with evaluating(net):
        assert not any(modes())
        assert not net.D(torch.ones(2, 2)).requires_grad
    assert modes() == before
    with pytest.raises(KeyError), evaluating(net):
        raise KeyError
    assert modes() == before
    assert net.D(torch.ones(2, 2)).requires_grad


def test_the_average_of_a_spectrally_normalised_network_stays_near_norm_one():
    torch.manual_seed(0)
    G = nn.Sequential(spectral_norm(nn.Linear(3, 16)), nn.ReLU(), spectral_norm(nn.Linear(16, 2)))
    state = State.start(duel(G, nn.Linear(2, 1), latent=3, optimizer=OptimizerConfig(0.02), ema=0.9))
    advance(state, Rows(), HOW, 60)
    averaged = state.averaged["G"]
    live, kept = (dict(net.named_buffers()) for net in (G, averaged))
    assert all(torch.equal(live[name], kept[name]) for name in live)
    for layer in (averaged[0], averaged[2]):
        assert torch.linalg.svdvals(layer.weight.detach())[0].item() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_gradient_that_is_not_finite_is_named_and_touches_nothing(accumulate):
    def loss(net, step):
        # the root of 0 is finite, its slope is not
        return {"root": (net.D(step.batch["x"]).sum() * (0.0 if step.round == 2 else 1.0)).square().sqrt()}

    state = one_player(loss, optimizer=OptimizerConfig(0.01))
    how = replace(HOW, accumulate=accumulate)
    advance(state, Rows(), how, 2)
    before = weights(state), str(state.optimizers["discriminator"].state_dict()), dict(state.steps)
    with pytest.raises(DivergedError, match="discriminator/gradient became nan in round 2"):
        advance(state, Rows(), how, 1)
    assert not moved(before[0], weights(state))
    assert before[1:] == (str(state.optimizers["discriminator"].state_dict()), dict(state.steps))


def test_a_frozen_helper_keeps_its_mode_and_all_else_trains():
    helper = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.BatchNorm1d(2)).requires_grad_(False).eval()
    D = nn.Sequential(helper, nn.Dropout(), nn.Linear(2, 1))
    game = duel(generator(), D, latent=3)
    untrained = nn.Sequential(nn.Dropout()).eval()
    game = replace(game, networks=Trio(game.networks.G.eval(), D, untrained))
    D[1].eval()
    to_training(game)
    assert all(module.training for module in game.networks.G.modules())
    assert [D.training, D[1].training, D[2].training] == [True, True, True]
    assert not any(module.training for module in [*helper.modules(), *untrained.modules()])


def test_a_loss_that_trains_other_networks_than_it_is_given_is_refused():
    mine = nn.Linear(2, 1)
    state = one_player(lambda net, step: {"mine": mine(step.batch["x"]).mean()}, optimizer=OptimizerConfig(0.01))
    with pytest.raises(UserError, match=r"discriminator does not depend on D .*such as net\.G"):
        advance(state, Rows(), HOW, 1)
