"""The space where the doctor compares samples with reals."""

import numpy as np
import pytest
import torch

import sparring.data
from sparring import metrics
from sparring.doctor.space import Shares, Space
from sparring.metrics.extractors import random_network


def ring(n: int, seed: int, modes=range(8), sigma: float = 0.01) -> np.ndarray:
    rng = np.random.default_rng(seed)
    angle = rng.choice(list(modes), n) * np.pi / 4
    return (np.column_stack([np.cos(angle), np.sin(angle)]) + sigma * rng.standard_normal((n, 2))).astype(np.float32)


@pytest.fixture(scope="module")
def space() -> Space:
    return Space(ring(2000, 0))


@pytest.fixture(scope="module")
def digits() -> tuple[Space, np.ndarray]:
    data = sparring.data.open("digits")
    batch = data.batch(0, 2000, 0)
    return Space(batch["x"].numpy(), batch["y"], 10), data.kept["x"][:400]


def test_fresh_reals_are_like_known_ones(space):
    seen = space(ring(400, 1))
    assert abs(space.distance(seen)) < 0.03
    assert space.lost(seen) == 0
    assert space.spread(seen) == pytest.approx(1, abs=0.03)
    assert space.distinct(seen) == pytest.approx(1, abs=0.05)
    assert space.copies(seen) < 0.05
    judge = metrics.linear_two_sample_test(space.evidence(space(ring(400, 2))), space.evidence(seen))
    assert judge.low < 0.5 < judge.high


def test_a_blurred_ring_is_seen_by_distance_and_judge_although_its_moments_are_right(space):
    blurred = space(ring(400, 1, sigma=0.03))
    assert space.distance(blurred) > 0.2
    assert metrics.linear_two_sample_test(space.evidence(space(ring(400, 2))), space.evidence(blurred)).low > 0.6
    assert space.lost(blurred) == 0


@pytest.mark.parametrize("kept", [7, 4, 1])
def test_lost_is_the_share_of_modes_without_samples(space, kept):
    assert space.lost(space(ring(400, 1, range(kept)))) == pytest.approx(1 - kept / 8, abs=0.03)


def test_cells_are_no_finer_than_modes(space):
    assert len(space.histogram(space(ring(400, 1)))) == 8


def test_one_point_has_no_spread_and_one_distinct_sample(space):
    point = space(np.repeat(ring(1, 3), 400, axis=0))
    assert space.spread(point) < 1e-6
    assert space.distinct(point) < 0.2
    assert space.lost(point) > 0.8


def test_copies_are_those_nearer_than_reals_ever_are(space):
    known = ring(2000, 0)
    fresh = ring(400, 1)
    mixed = np.concatenate([known[:100], fresh[:300]])
    assert space.copies(space(mixed)) == pytest.approx(0.25, abs=0.03)


def test_moved_is_in_distances_between_reals(space):
    before = space(ring(400, 1))
    after = space(before.features.numpy().astype(np.float32) + np.float32([0.5, 0]))
    between = torch.pdist(torch.from_numpy(ring(1000, 0)).double()).mean().item()
    assert space.moved(before, after) == pytest.approx(0.5 / between, rel=0.05)
    assert space.moved(before, before) == 0


def test_pictures_are_seen_in_the_features_called_random(digits):
    space, held_out = digits
    same = random_network(1)(held_out).features
    assert torch.allclose(space(held_out).features.float(), same, atol=1e-5)


def test_held_out_digits_are_like_known_ones_and_half_of_the_classes_is_not(digits):
    space, held_out = digits
    labels = sparring.data.open("digits").kept["y"][:400]
    whole, half = space(held_out), space(held_out[labels < 5])
    assert 1.4 * space.distance(whole.first(len(half.features))) < space.distance(half)
    assert space.lost(whole) < 0.05 < 0.2 < space.lost(half)
    shares = space.classes(half)
    assert (shares.ratios[:5] > 1).all()
    assert (shares.ratios[5:] < 0.5).all()
    assert shares.lost(400) == pytest.approx(0.5, abs=0.05)


def test_kinds_of_which_few_are_expected_are_not_lost_and_the_others_count_by_what_they_hold():
    expected = torch.tensor([0.5, 0.3, 0.195, 0.005]).double()
    assert Shares(torch.tensor([1.0, 0, 0, 0]), expected).lost(500) == pytest.approx(0.495 / 0.995)
    assert Shares(torch.tensor([0.5, 0.3, 0.2, 0]), expected).lost(500) == 0
    assert Shares(torch.tensor([0.5, 0.3, 0.2, 0]), expected).lost(5000) == pytest.approx(0.005)


def test_classes_are_none_without_labels(space):
    assert space.classes(space(ring(50, 1))) is None


@pytest.mark.parametrize("count", [2, 30])
def test_few_and_identical_reals_are_no_error(count):
    space = Space(np.zeros((count, 2), np.float32))
    seen = space(np.zeros((30, 2), np.float32))
    assert space.lost(seen) == 0
    assert np.isfinite([space.spread(seen), space.moved(seen, seen), space.copies(seen)]).all()
