import numpy as np
import pytest

from sparring.data.order import coins, order


@pytest.mark.parametrize("size", [1, 3, 7, 20])
def test_any_batch_size_walks_the_same_endless_row(size):
    row = order(7, seed=3, start=0, size=60)
    walked = np.concatenate([order(7, 3, start, size) for start in range(0, 60, size)])[:60]
    np.testing.assert_array_equal(walked, row)


def test_every_epoch_is_another_permutation():
    epochs = order(50, seed=0, start=0, size=200).reshape(4, 50)
    assert (np.sort(epochs) == np.arange(50)).all()
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 4


def test_seeds_differ():
    assert order(50, 0, 0, 50).tolist() != order(50, 1, 0, 50).tolist()


def test_coins_are_fair_and_differ_by_seed_and_draw():
    assert abs(coins(10_000, 0, 0).mean() - 0.5) < 0.03
    assert len({coins(64, *key).tobytes() for key in [(0, 0), (1, 0), (0, 1)]}) == 3
