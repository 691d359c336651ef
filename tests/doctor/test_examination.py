"""Examining a game: what is measured, and that no trace of it stays."""

from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import pytest
import torch
from tests.conftest import GIVEN_PICTURES, OF_PICTURES, data_for
from torch import nn

import sparring
import sparring.data
from sparring import recipes, workflows
from sparring.checkpoint import network_tensors
from sparring.data import Unpaired
from sparring.doctor.examination import Examiner
from sparring.doctor.listening import Listener
from sparring.game import Game, Latent, OptimizerConfig, Player
from sparring.loop import play
from sparring.metrics.table import KNOWN_MODES

SMALL = {"width": 4, "latent_dim": 4, "batch": 8}


def cloud(n: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


def pictures(n: int = 60, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 12, channels), dtype=np.uint8)


def examiner(plan: workflows.Plan, **arguments) -> Examiner:
    return Examiner(plan.state, plan.data, plan.how, **arguments)


def planned(source, **arguments) -> workflows.Plan:
    return workflows.plan(source, rounds=9, out="never-written", **arguments)


def copier(examples: torch.Tensor) -> nn.Module:
    class Copier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(1))

        def forward(self, z):
            return examples[(z[:, 0] * 1e4).long().abs() % len(examples)] + self.shift

    return Copier()


NEEDY = (*GIVEN_PICTURES, "projection", "cgan", "acgan", "sgan")
"""The recipes that need two kinds of pictures, or labels."""


PLAIN = [(name, make) for name in recipes.RECIPES if name not in NEEDY for make in (cloud, pictures)]
PLAIN = [(name, make) for name, make in PLAIN if make is pictures or name not in OF_PICTURES]
GIVEN = [(name, partial(data_for, name, (1, 8, 8))) for name in GIVEN_PICTURES]


@pytest.mark.parametrize(("recipe", "make"), [*PLAIN, *GIVEN])
def test_every_recipe_can_be_examined_and_goes_on_as_if_it_had_not_been(recipe, make):
    def advanced(examined: bool) -> dict[str, torch.Tensor]:
        fields = recipes.get(recipe).options.model_fields
        options = {name: value for name, value in SMALL.items() | {("pretrain", 0.0)} if name in fields}
        plan = planned(make(), recipe=recipe, options=options)
        trained = {name for player in plan.state.game.players for name in player.trains}
        look, rounds = examiner(plan), play(plan.state, plan.data, plan.how)
        listener = Listener(plan.state)
        for _ in range(2):
            if examined:
                listener.start()
            next(rounds)
            if examined:
                torch.manual_seed(7)
                before = torch.get_rng_state()
                signals = look(listener.stop(), {})
                assert signals.finite
                assert signals.distance is not None
                assert signals.gradient
                assert signals.passed
                assert torch.equal(before, torch.get_rng_state())
                assert all(p.grad is None for net in plan.state.game.networks for p in net.parameters())
                networks = plan.state.game.modules()
                assert all(module.training for name in trained for module in networks[name].modules())
        return {name: tensor.clone() for name, tensor in network_tensors(plan.state).items()}

    alone, watched = advanced(False), advanced(True)
    assert all(torch.equal(alone[name], watched[name]) for name in alone)


def test_a_wasserstein_loss_passes_on_what_d_gives_and_a_minimax_loss_before_a_sure_d_nothing():
    def passed(**arguments) -> float:
        plan = planned(cloud() + 9, **arguments)
        listener = Listener(plan.state)
        for played in play(plan.state, plan.data, plan.how):
            if played.number == 200:
                return examiner(plan)(listener.stop(), {}).passed
            if played.number == 199:
                listener.start()
        raise AssertionError

    options = {"lr": 1e-6, "lr_d": 1e-2, "batch": 64, "n_critic": 3, "dropout": 0.0}
    assert passed(recipe="gan", options=options | {"saturating": True}) < 0.01
    assert passed(recipe="gan", options=options) == pytest.approx(1.0, abs=0.4)
    assert passed(recipe="wgan", options={"batch": 256}) == pytest.approx(1.0, abs=0.4)


def test_two_domains_can_be_examined():
    data = Unpaired(*(sparring.data.open(pictures(60, 3, seed)) for seed in (0, 1)))
    plan = planned(data, recipe="cyclegan", options={"width": 4, "depth": 1, "batch": 2})
    next(play(plan.state, plan.data, plan.how))
    signals = examiner(plan)({}, {})
    assert signals.distance is not None
    assert signals.auc is not None


@pytest.mark.parametrize("recipe", ["srgan", "esrgan"])
def test_a_d_that_has_not_entered_yet_is_not_asked(recipe):
    options = SMALL | {"factor": 2, "pretrain": 0.5, "depth": 1}
    plan = planned(pictures(60), recipe=recipe, options={k: v for k, v in options.items() if k != "latent_dim"})
    look, listener = examiner(plan), Listener(plan.state)
    found = []
    for _ in islice(play(plan.state, plan.data, replace(plan.how, horizon=2)), 2):
        found.append(look(listener.stop(), {}))
        listener.start()
    assert [signals.auc is None for signals in found] == [True, False]
    assert all(signals.distance is not None for signals in found)
    assert (found[0].score, found[0].passed) == (None, None)
    # what is made of training pictures ought to look like them, and few are held out
    assert found[0].copies is None


@pytest.mark.parametrize("count", [3, 12, 25])
def test_the_smallest_data_is_no_error(count):
    for data in (cloud(count), pictures(count)):
        signals = examiner(planned(data, options=SMALL))({}, {})
        assert signals.auc is not None
        assert (signals.distance is None) == (count < 20)


def test_a_perfect_generator_is_told_from_nothing_and_a_copier_copies():
    data = sparring.data.open(cloud(3000))
    fresh = torch.from_numpy(data.schema["x"].to_model(torch.from_numpy(cloud(2000, 1))).numpy())
    train = data.schema["x"].to_model(data.batch(0, len(data), 0)["x"])
    found = {}
    for name, examples in (("perfect", fresh), ("copier", train)):
        game = sparring.duel(copier(examples), nn.Linear(2, 1), latent=1)
        found[name] = examiner(planned(data, game=game))({}, {})
    assert found["perfect"].judge_low < 0.5 < found["perfect"].judge_high
    assert found["perfect"].distance == pytest.approx(found["perfect"].floor, abs=0.05)
    assert found["perfect"].copies < 0.05 < 0.5 < found["copier"].copies


def test_ds_answers_are_what_ranks_say():
    class Radius(nn.Module):
        def __init__(self, sign: float) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(sign))

        def forward(self, x):
            return self.scale * x.norm(dim=1)

    far = torch.full((10, 2), 50.0)
    found = {
        sign: examiner(planned(cloud(), game=sparring.duel(copier(far), Radius(sign), latent=1)))({}, {})
        for sign in (-1.0, 1.0, 0.0)
    }
    assert (found[-1.0].auc, found[-1.0].auc_held_out, found[-1.0].accuracy) == (1, 1, 1)
    assert (found[1.0].auc, found[1.0].accuracy) == (0, 0)
    assert (found[0.0].auc, found[0.0].gap, found[0.0].accuracy) == (0.5, 0.5, 0.5)
    assert found[0.0].judge_low > 0.9
    assert found[-1.0].gap == pytest.approx(0.5, abs=0.1)
    assert found[-1.0].spread < 1e-6


def test_known_modes_are_counted():
    plan = planned("ring", options=SMALL)
    modes = KNOWN_MODES["ring"][0][:3]
    game = sparring.duel(copier(plan.data.schema["x"].to_model(modes)), nn.Linear(2, 1), latent=1)
    signals = examiner(planned("ring", game=game), modes=KNOWN_MODES["ring"])({}, {})
    assert signals.classes_lost == 5 / 8
    assert signals.lost == pytest.approx(5 / 8, abs=0.03)


@pytest.mark.parametrize("average", [(), ("G",), ("G", "D")])
@pytest.mark.parametrize("makers", [("generator",), ("chief",)])
def test_who_makes_samples_is_read_from_the_game_and_not_from_what_is_averaged(average, makers):
    torch.manual_seed(0)
    game = sparring.duel(nn.Linear(2, 2), nn.Linear(2, 1), latent=2, optimizer=OptimizerConfig(0.1, "sgd"))
    players = (game.players[0], replace(game.players[1], name=makers[0]))
    plan = planned(cloud(), game=replace(game, players=players, makers=makers, average=average, decay=1.0))
    G, D = plan.state.game.networks
    listener, look = Listener(plan.state), examiner(plan)
    rounds = play(plan.state, plan.data, plan.how)
    next(rounds)
    listener.start()
    lengths = [sum(p.square().sum() for p in net.parameters()).sqrt().item() for net in (G, D)]
    next(rounds)
    signals = look(listener.stop(), {})
    assert [signals.weights_generator, signals.weights_discriminator] == pytest.approx(lengths)
    assert set(signals.gradient_layers) == {"G.weight", "G.bias"}
    # the gradient of the mean score of a linear D by a linear G: D's weights, and these times the noise
    assert signals.passed == pytest.approx(signals.gradient / D.weight.norm().item(), rel=0.1)
    with torch.no_grad():
        D.weight.zero_()
        G.bias.fill_(1e3)
    moved = look({}, {})
    assert moved.auc == 0.5
    assert moved.moved > 100
    # samples are of the averages, where there are some; these have not moved
    assert (moved.distance == pytest.approx(signals.distance)) == bool(average)


def test_a_game_with_labels_is_examined_by_class():
    def look(makes: tuple[int, ...]):
        """At a G whose samples of each class that is asked for are training examples of another class."""
        plan = planned("digits", recipe="cgan", options=SMALL, limit=1000)
        data, game = plan.data, plan.state.game
        rows = data.batch(0, 1000, 0)
        examples = data.schema["x"].to_model(rows["x"])
        of = [examples[rows["y"] == each] for each in range(10)]

        def sample(net, z, given):
            which = (z[:, 0] * 1e4).long().abs()
            found = [
                of[makes[y]][k % len(of[makes[y]])] for k, y in zip(which.tolist(), given["y"].tolist(), strict=True)
            ]
            return torch.stack(found)

        state = replace(plan.state, game=replace(game, sample=sample))
        return Examiner(state, data, plan.how)({}, {})

    every, few = look(tuple(range(10))), look((0, 1, 2) * 3 + (0,))
    assert every.classes_lost == 0
    assert few.classes_lost == pytest.approx(0.7, abs=0.05)
    assert every.distance < few.distance
    assert min(share for share in every.agreement if share is not None) > 0.7
    assert [round(share or 0, 1) for share in few.agreement[3:9]] == [0.0] * 6  # 3 to 8 were asked for: 0, 1 or 2 came
    assert every.agreement_reals == pytest.approx(0.85, abs=0.1)


def test_a_label_reaches_d_and_the_gradient_of_g():
    plan = planned("digits", recipe="cgan", options=SMALL, limit=300)
    listener, look = Listener(plan.state), examiner(plan)
    listener.start()
    next(play(plan.state, plan.data, plan.how))
    before = {name: tensor.clone() for name, tensor in network_tensors(plan.state).items()}
    signals = look(listener.stop(), {})
    assert signals.finite
    assert signals.passed
    assert signals.classes
    assert all(torch.equal(before[name], tensor) for name, tensor in network_tensors(plan.state).items())


def test_movement_is_measured_from_the_second_examination_on():
    plan = planned(cloud(), options=SMALL)
    look = examiner(plan)
    assert look({}, {}).moved is None
    assert look({}, {}).moved == 0
    with torch.no_grad():
        for parameter in plan.state.game.networks.G.parameters():
            parameter.mul_(3)
    assert look({}, {}).moved > 0.1


def test_d_is_asked_about_each_example_with_its_own_label():
    class Strict(nn.Module):
        """1 for a picture as bright as its label says, else 0."""

        def forward(self, x, y):
            return ((x.mean((1, 2, 3)) - (y / 2 - 1)).abs() < 0.1).float()

    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.brightness = nn.Parameter(torch.tensor(0.9))

        def forward(self, z):
            return self.brightness.expand(len(z), 1, 8, 8)

    class Nets(NamedTuple):
        G: nn.Module
        D: nn.Module

    def loss(networks, step):
        return {"x": networks.G(step.batch["x"]).mean()}

    game = Game(
        networks=Nets(Wrong(), Strict()),
        players=(Player("generator", ("G",), loss, OptimizerConfig(1e-4)),),
        noise=Latent(2),
        sample=lambda nets, z, given: nets.G(z),
        critic=lambda nets, batch: nets.D(batch["x"], batch["y"]),
        given=("y",),
    )
    labels = np.random.default_rng(0).integers(0, 3, 900)
    examples = np.broadcast_to((labels * 63.75).round().astype(np.uint8)[:, None, None, None], (900, 8, 8, 1))
    data = sparring.data.open((examples.copy(), labels))
    signals = examiner(planned(data, game=game, batch=17))({}, {})
    assert (signals.auc, signals.auc_held_out, signals.gap, signals.accuracy) == (1, 1, 0.5, 1)


def left() -> np.ndarray:
    found = np.random.default_rng(0).integers(0, 60, (3000, 8, 8, 1), dtype=np.uint8)
    found[:, :, :3] += 180
    return found


def test_reals_are_mirrored_where_training_is():
    data = sparring.data.open(left(), mirror=True)
    fresh = data.schema["x"].to_model(torch.from_numpy(np.moveaxis(left()[::-1].copy(), 3, 1)[:600]))
    fresh[::2] = fresh[::2].flip(-1)
    game = sparring.duel(copier(fresh), nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), latent=1)
    signals = examiner(planned(data, game=game))({}, {})
    assert signals.judge_low < 0.5 < signals.judge_high
    assert signals.distance == pytest.approx(signals.floor, abs=0.05)


def test_copies_are_found_in_either_direction_and_beside_twins():
    for mirror in (False, True):
        pictures = np.concatenate([left(), left()[:200]])
        data = sparring.data.open(pictures, mirror=mirror)
        train = data.schema["x"].to_model(torch.from_numpy(data.train["x"][:500]))
        copies = copier(train.flip(-1) if mirror else train)
        game = sparring.duel(copies, nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), latent=1)
        assert examiner(planned(data, game=game))({}, {}).copies > 0.9


@pytest.mark.parametrize("batch", [17, 51, 255])
def test_any_batch_can_be_examined_though_batch_norm_wants_two(batch):
    plan = planned(pictures(300), recipe="gan", options=SMALL | {"batch": batch})
    assert examiner(plan)({}, {}).auc is not None


@pytest.mark.parametrize("limit", [1, 2, 5, 19, 20])
def test_few_training_reals_are_no_error(limit):
    signals = examiner(planned("digits", limit=limit, options=SMALL))({}, {})
    assert signals.auc is not None
    assert (signals.distance is None) == (limit < 20)


@pytest.mark.parametrize("value", [1e18, 1e20, 1e37])
def test_what_is_beyond_all_bounds_is_no_number(value):
    plan = planned(cloud(), options=SMALL)
    with torch.no_grad():
        [*plan.state.game.networks.G.parameters()][-1].fill_(value)
    assert not examiner(plan)({}, {}).finite


def test_the_units_of_points_do_not_matter():
    ring = sparring.data.open("ring").train["x"][:4000]
    blurred = ring + 0.1 * np.random.default_rng(1).standard_normal(ring.shape).astype(np.float32)
    found = []
    for scale, offset in ((1, 0), (1e6, 0), (1e-3, 100)):
        data = sparring.data.open((ring * scale + offset).astype(np.float64))
        fake = data.schema["x"].to_model(torch.from_numpy(blurred[:600] * scale + offset))
        found.append(examiner(planned(data, game=sparring.duel(copier(fake), nn.Linear(2, 1), latent=1)))({}, {}))
    assert min(each.judge_low for each in found) > 0.6
    assert found[1].judge == pytest.approx(found[0].judge, abs=0.02)
    assert found[2].judge == pytest.approx(found[0].judge, abs=0.05)


def test_a_buffer_that_a_network_binds_anew_is_put_back():
    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 1)
            self.register_buffer("mean", torch.zeros(2))

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
            return self.linear(x - self.mean)

    D = Mean()
    plan = planned(cloud() + 5, game=sparring.duel(nn.Linear(2, 2), D, latent=2))
    before = plan.state.game.networks.D.mean
    examiner(plan)({}, {})
    assert plan.state.game.networks.D.mean is before
    assert not before.any()


def test_what_is_no_number_is_said_and_nothing_else():
    plan = planned(cloud(), options=SMALL)
    with torch.no_grad():
        next(plan.state.game.networks.G.parameters()).fill_(float("nan"))
    signals = examiner(plan)({}, {"d/real": 1.0})
    assert not signals.finite
    assert signals.distance is None
    assert signals.loss_swings == {"d/real": 1.0}


def test_examining_twice_is_the_same_but_for_the_movement():
    plan = planned(cloud(), options=SMALL)
    look = examiner(plan)
    first, again = look({}, {}), look({}, {})
    assert replace(again, moved=None, swung=None) == first


def test_columns_of_very_different_spreads_are_each_looked_at():
    """A rate far off is seen beside an income that is right, by the doctor and by `identity` features."""
    draws = np.random.default_rng(0).normal(size=(2, 800, 2)) * [15_000, 0.02] + [50_000, 0.05]
    reals, good = draws.astype(np.float32)
    wrong = good.copy()
    wrong[:, 1] = np.random.default_rng(1).normal(73, 124, len(wrong))
    kind, looked = sparring.data.open(reals).schema["x"], {}
    for name, rows in {"good": good, "wrong": wrong}.items():
        game = sparring.duel(copier(kind.to_model(torch.from_numpy(rows))), nn.Linear(2, 1), latent=1)
        looked[name] = examiner(planned(reals, game=game))({}, {})
    assert looked["good"].judge_low < 0.5 < looked["good"].judge_high
    assert looked["wrong"].judge_low > 0.8  # far from what is called converged
    assert looked["wrong"].distance > 10 * looked["good"].distance
    sets = {"good": good[:50], "wrong": wrong[:50]}
    found = {name: sparring.evaluate(rows, against=reals, samples=50).distance() for name, rows in sets.items()}
    assert found["wrong"].value > 100 * found["good"].value
