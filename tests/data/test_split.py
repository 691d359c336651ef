import numpy as np
import pytest

from sparring.data import open
from sparring.data.split import digests, held_out


@pytest.mark.parametrize(("count", "expected"), [(2, 1), (9, 1), (20, 2), (30_000, 2_000)])
def test_one_in_ten_at_least_one_at_most_two_thousand(count, expected):
    assert held_out(digests(np.arange(count))).sum() == expected


def test_the_smallest_hashes_are_held_out():
    hashes = np.random.default_rng(0).integers(0, 2**63, 50, dtype=np.uint64)
    assert sorted(hashes[held_out(hashes)]) == sorted(hashes)[:5]


def test_copies_stay_on_one_side():
    hashes = digests(np.random.default_rng(0).integers(0, 40, 300))
    out = held_out(hashes)
    assert 20 <= out.sum() <= 30
    assert not set(hashes[out].tolist()) & set(hashes[~out].tolist())


def test_something_is_held_out_of_doubled_examples_and_something_is_left():
    hashes = np.array([5, 5, 5, 2, 2], dtype=np.uint64)
    assert held_out(hashes).tolist() == [False] * 3 + [True] * 2


def test_digests_are_of_the_content():
    rows = np.array([[1, 2], [3, 4], [1, 2]], np.uint8)
    hashes = digests(rows)
    assert hashes[0] == hashes[2] != hashes[1]


def test_what_is_held_out_does_not_follow_the_order_of_examples():
    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    straight, reversed_ = open(points), open(points[::-1])
    np.testing.assert_array_equal(straight.kept["x"], reversed_.kept["x"])
    assert straight.fingerprint != reversed_.fingerprint


def test_the_first_held_out_examples_of_a_sorted_source_stand_for_all():
    data = open((np.random.default_rng(2).normal(size=(1000, 2)).astype(np.float32), np.repeat([0, 1], 500)))
    assert 5 < data.kept["y"][:25].sum() < 20


def test_train_and_held_out_are_the_whole_without_overlap_and_train_in_order():
    points = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    data = open((points, np.arange(200)))
    for examples, labels in ((data.train["x"], data.train["y"]), (data.kept["x"], data.kept["y"])):
        np.testing.assert_array_equal(examples, points[labels])
    assert (np.diff(data.train["y"]) > 0).all()
    assert sorted([*data.train["y"], *data.kept["y"]]) == list(range(200))
