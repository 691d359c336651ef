import numpy as np
import pytest
import torch

from sparring.data import Dataset, open
from sparring.errors import UserError


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Thirty pictures; the first pixel is the label."""
    pictures = np.random.default_rng(0).integers(0, 256, (30, 4, 6), dtype=np.uint8)
    pictures[:, 0, 0] = np.arange(30)
    opened = open((pictures, np.arange(30)))
    assert isinstance(opened, Dataset)
    return opened


def level(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return batch["x"][:, 0, 0, 0].long()


def test_a_batch_is_as_it_is_stored_with_its_own_labels(data):
    batch = data.batch(0, 16, seed=0)
    assert batch["x"].shape == (16, 1, 4, 6)
    assert batch["x"].dtype == torch.uint8
    assert batch["y"].dtype == torch.int64
    assert torch.equal(level(batch), batch["y"])


def test_a_batch_is_a_pure_function(data):
    first = data.batch(5, 8, seed=1)
    data.batch(0, 8, seed=2)["x"].zero_()
    again = data.batch(5, 8, seed=1)
    assert torch.equal(first["x"], again["x"])
    assert not torch.equal(first["x"], data.batch(6, 8, seed=1)["x"])
    assert not torch.equal(first["x"], data.batch(5, 8, seed=2)["x"])


def test_writing_into_a_batch_leaves_the_data_alone(data):
    before = data.train["x"].copy(), data.kept["x"].copy()
    data.batch(0, 27, seed=0)["x"].zero_()
    batch = data.held_out(3)
    batch["x"].zero_()
    batch["y"].zero_()
    np.testing.assert_array_equal(data.train["x"], before[0])
    np.testing.assert_array_equal(data.kept["x"], before[1])
    assert data.held_out(3)["y"].any()


def test_every_example_is_seen_once_an_epoch(data):
    assert len(data) == 27
    seen = torch.cat([level(data.batch(draw, 9, seed=0)) for draw in range(6)]).view(2, 27)
    assert torch.equal(seen[0].sort().values, seen[1].sort().values)
    assert len(set(seen[0].tolist())) == 27
    assert not torch.equal(seen[0], seen[1])


def test_small_batches_one_after_another_are_a_large_one(data):
    large = torch.cat([data.batch(draw, 12, seed=4)["y"] for draw in range(3)])
    small = torch.cat([data.batch(draw, 4, seed=4)["y"] for draw in range(9)])
    assert torch.equal(large, small)


def test_a_batch_may_be_larger_than_the_data(data):
    assert data.batch(0, 100, seed=0)["x"].shape[0] == 100


def test_held_out_batch_is_the_first_held_out(data):
    batch = data.held_out(2)
    assert level(batch).tolist() == data.kept["x"][:2, 0, 0, 0].tolist()
    assert torch.equal(level(batch), batch["y"])
    assert len(data.held_out(1000)["x"]) == 3


def test_mirror_flips_half_of_the_pictures_left_to_right():
    pictures = np.random.default_rng(0).integers(0, 256, (200, 4, 5, 3), dtype=np.uint8)
    plain, mirrored = open(pictures), open(pictures, mirror=True)
    x, m = plain.batch(0, 100, seed=0)["x"], mirrored.batch(0, 100, seed=0)["x"]
    same = (x == m).flatten(1).all(dim=1)
    flipped = (x.flip(-1) == m).flatten(1).all(dim=1)
    assert (same ^ flipped).all()
    assert 30 < flipped.sum() < 70
    assert torch.equal(m, mirrored.batch(0, 100, seed=0)["x"])
    assert torch.equal(mirrored.held_out(9)["x"], plain.held_out(9)["x"])


def test_unlabelled_data_has_no_y():
    data = open(np.random.default_rng(0).normal(size=(20, 3)))
    assert set(data.batch(0, 4, 0)) == set(data.held_out(2)) == {"x"}
    assert "y" not in data.train


def test_a_limit_takes_some_of_the_training_examples_and_all_that_is_held_out():
    whole, some = open("digits"), open("digits", limit=30)
    assert len(some) == 30
    known = {example.tobytes(): label for example, label in zip(whole.train["x"], whole.train["y"], strict=True)}
    assert [known[example.tobytes()] for example in some.train["x"]] == some.train["y"].tolist()
    assert len(set(some.train["y"].tolist())) > 5  # from everywhere, and digits are sorted by class
    assert some.kept["x"] is whole.kept["x"] or (some.kept["x"] == whole.kept["x"]).all()
    assert some.fingerprint not in (whole.fingerprint, open("digits", limit=31).fingerprint)
    assert "30 of 9,000 training examples are used" in some.notes
    with pytest.raises(UserError, match="there are 9,000"):
        open("digits", limit=9001)
