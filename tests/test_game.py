import math

import pytest
import torch
from torch import nn

from sparring.game import Game, Latent, OptimizerConfig, Player, always, epochs, every, from_round, steps
from sparring.recipes import Duel


def player(name="one", trains=("G",)):
    return Player(name, trains, lambda net, step: {}, OptimizerConfig(1e-3))


def game(**changes):
    given = {"networks": Duel(nn.Linear(1, 1), nn.Linear(1, 1)), "players": (player(),), "noise": Latent(1)}
    return Game(**{**given, "sample": lambda net, z, conditions: z, "critic": lambda net, batch: batch["x"], **changes})


@pytest.mark.parametrize(
    ("turn", "examples", "batch", "expected"),
    [(steps(5), 1000, 3, 5), (epochs(1), 10, 4, 3), (epochs(2), 12, 4, 6), (epochs(1), 3, 8, 1)],
)
def test_the_length_of_a_turn(turn, examples, batch, expected):
    assert turn.steps(examples, batch) == expected


def test_when_a_player_plays():
    rounds = range(7)
    assert [r for r in rounds if always(r)] == list(rounds)
    assert [r for r in rounds if every(3)(r)] == [0, 3, 6]
    assert [r for r in rounds if from_round(5)(r)] == [5, 6]


@pytest.mark.parametrize(
    ("kind", "torch_class", "expected"),
    [
        ("adam", torch.optim.Adam, {"lr": 3e-4, "betas": (0.1, 0.2), "eps": 1e-6}),
        ("rmsprop", torch.optim.RMSprop, {"lr": 3e-4, "alpha": 0.2, "eps": 1e-6, "momentum": 0}),
        ("sgd", torch.optim.SGD, {"lr": 3e-4, "momentum": 0}),
    ],
)
def test_an_optimizer_is_built_as_configured(kind, torch_class, expected):
    weight = nn.Parameter(torch.zeros(2))
    optimizer = OptimizerConfig(3e-4, kind, (0.1, 0.2), 1e-6).build([weight])
    assert type(optimizer) is torch_class
    assert {key: optimizer.param_groups[0][key] for key in expected} == expected
    assert optimizer.param_groups[0]["params"][0] is weight


def test_normal_noise_is_standard_normal(rng):
    z = Latent(8)(4000, rng)
    assert z.shape == (4000, 8)
    assert z.dtype == torch.float32
    assert z.mean().abs() < 0.03
    assert abs(z.std() - 1) < 0.03


def test_uniform_noise_fills_its_range(rng):
    z = Latent(8, "uniform")(4000, rng)
    assert -1 <= z.min() < -0.99
    assert 0.99 < z.max() <= 1
    assert abs(z.std() - 1 / math.sqrt(3)) < 0.02


@pytest.mark.parametrize("limit", [0.3, 1.0, 2.0])
def test_truncated_normal_noise_has_the_moments_of_the_truncated_normal(rng, limit):
    z = Latent(8)(4000, rng, limit)
    assert z.abs().max() <= limit
    assert z.abs().max() > 0.95 * limit
    density = math.exp(-(limit**2) / 2) / math.sqrt(2 * math.pi)
    variance = 1 - 2 * limit * density / math.erf(limit / math.sqrt(2))
    assert abs(z.var() - variance) < 0.03 * variance
    # clipping would heap a share of the noise on the limit itself
    assert (z.abs() > 0.999 * limit).float().mean() < 0.01


def test_truncated_uniform_noise_is_drawn_from_a_smaller_range(rng):
    z = Latent(8, "uniform")(4000, rng, 0.25)
    assert 0.24 < z.abs().max() <= 0.25
    assert abs(z.std() - 0.25 / math.sqrt(3)) < 0.01


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("truncation", [None, 0.5])
def test_noise_is_a_function_of_its_generator(kind, truncation):
    first, again, other = (Latent(3, kind)(5, torch.Generator().manual_seed(s), truncation) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"players": (player(trains=("G", "Q")),)}, "one names 'Q', but the networks are G, D"),
        ({"average": ("E",)}, "average names 'E', but the networks are G, D"),
        ({"players": (player(), player())}, "two players have the same name"),
    ],
)
def test_a_game_that_cannot_be_played_is_refused(changes, said):
    game()
    with pytest.raises(ValueError, match=said):
        game(**changes)


@pytest.mark.parametrize("limit", [1e-6, 1e-4, 3.0, 9.0])
def test_truncated_noise_never_leaves_its_range(rng, limit):
    z = Latent(64)(4000, rng, limit)
    assert z.isfinite().all()
    assert z.abs().max() <= limit
    assert z.min() < 0 < z.max()
