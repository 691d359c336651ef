import numpy as np
import pytest

from sparring.data import open
from sparring.data.toys import GRID_MODES, RING_MODES, gaussian, grid, nearest_mode, ring
from sparring.kinds import classes_of


def test_the_ring_has_eight_modes_on_the_unit_circle():
    assert RING_MODES.shape == (8, 2)
    np.testing.assert_allclose(np.linalg.norm(RING_MODES, axis=1), 1, rtol=1e-6)
    gaps = np.linalg.norm(RING_MODES[:, None] - RING_MODES, axis=2) + 9 * np.eye(8)
    np.testing.assert_allclose(gaps.min(axis=1), 2 * np.sin(np.pi / 8), rtol=1e-5)


def test_the_grid_has_25_modes_two_apart():
    assert {tuple(mode) for mode in GRID_MODES.tolist()} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}


@pytest.mark.parametrize(("draw", "modes", "sigma"), [(ring, RING_MODES, 0.01), (grid, GRID_MODES, 0.05)])
def test_mixtures_fill_every_mode_evenly_with_their_spread(draw, modes, sigma):
    points = draw(20_000, seed=1)
    assert points.dtype == np.float32
    which = nearest_mode(points, modes)
    counts = np.bincount(which, minlength=len(modes))
    assert counts.min() > 0.8 * len(points) / len(modes)
    assert (points - modes[which]).std() == pytest.approx(sigma, rel=0.02)


def test_the_gaussian_has_the_books_mean_and_covariance():
    points = gaussian(50_000, seed=0)
    np.testing.assert_allclose(points.mean(axis=0), [1, 2], atol=0.05)
    np.testing.assert_allclose(np.cov(points.T), [[1.01, 1.95], [1.95, 4.25]], atol=0.1)


def test_toys_depend_on_their_seed_only():
    np.testing.assert_array_equal(ring(10, 3), ring(10, 3))
    assert not np.array_equal(ring(10, 3), ring(10, 4))


def test_the_ring_opens_labelled_by_mode_and_standardised():
    data = open("ring")
    assert (len(data), len(data.kept["x"])) == (98_000, 2_000)
    assert classes_of(data.schema) == tuple("01234567")
    np.testing.assert_array_equal(data.train["y"], nearest_mode(data.train["x"], RING_MODES))
    x = data.schema["x"].to_model(data.batch(0, 1, 0)["x"].new_tensor(data.train["x"]))
    assert x.mean(dim=0).abs().max() < 1e-3
    assert x.var(dim=0).mean().item() == pytest.approx(1, abs=1e-3)


def test_the_scale_is_isotropic():
    data = open(np.random.default_rng(0).normal(size=(500, 2)) * [1, 2.5])
    first, second = data.schema["x"].scale
    assert first == second == pytest.approx(np.sqrt(data.train["x"].var(axis=0).mean()), rel=1e-5)
