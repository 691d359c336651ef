from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparring.drawing import draw, rows_for
from sparring.game import Game, Latent
from sparring.kinds import Points

SCHEMA = {"a": Points((2,), (0.0, 0.0), (0.5, 0.5))}


class Networks(NamedTuple):
    G: nn.Module


GAME: Game[Networks] = Game(
    networks=Networks(nn.Linear(2, 2)),
    players=(),
    noise=Latent(2),
    sample=lambda net, z, given: torch.cat([z, given["a"]], 1),
    critic=lambda net, batch: batch["a"].sum(1),
    given=("a",),
)


def drawn(seeds: list[int], truncation: float | None = None) -> Tensor:
    given = {"a": torch.tensor([[seed, -seed] for seed in seeds], dtype=torch.float32)}
    return draw(GAME, GAME.networks, SCHEMA, seeds, given, truncation)


def test_a_sample_is_its_own_seeds_whatever_its_neighbours_are_and_of_what_it_is_given():
    many = drawn(list(range(70)))  # more than two chunks
    assert many.shape == (70, 4)
    assert len({tuple(row) for row in many[:, :2].tolist()}) == 70
    assert torch.equal(many[:, 2:], torch.tensor([[2.0 * seed, -2.0 * seed] for seed in range(70)]))
    assert torch.equal(drawn([69, 3, 40]), many[[69, 3, 40]])


def test_truncation_reaches_the_noise():
    assert drawn(list(range(40)))[:, :2].abs().max() > 1
    assert drawn(list(range(40)), truncation=0.5)[:, :2].abs().max() <= 0.5


def test_a_seed_is_given_always_the_same_row_and_seeds_go_round():
    kept = {"a": torch.arange(3)}
    assert rows_for([4, 0, 5, 2], kept)["a"].tolist() == [1, 0, 2, 2]
