import math

import numpy as np
import pytest
import torch

from sparring.errors import UserError
from sparring.exploring import project
from sparring.exploring.projecting import _keep_inside
from sparring.game import Latent, Part


def test_the_noise_of_a_sample_is_found_better_than_any_start(ready):
    picture = ready([1000])["x"]
    found = project(ready, picture, starts=4, steps=150)
    assert found.distance < found.before / 2 < found.usual / 2
    assert torch.equal(found.made, ready.made_from(found.z[None], found.given))
    gap = (found.made.float() - picture.float()).square().mean().sqrt()
    assert math.isclose(found.distance, float(gap), rel_tol=1e-3)


def test_a_sample_of_the_first_seeds_is_known_at_once(ready):
    found = project(ready, ready([17])["x"], starts=2, steps=1)
    assert (found.seed, found.before, found.distance) == (17, 0.0, 0.0)


def test_the_search_is_told_and_shown(ready):
    shares: list[float] = []
    found = project(ready, ready([1000])["x"], starts=2, steps=130, progress=shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert 40 <= len(found.frames) <= 60
    gaps = (found.frames.float() - ready([1000])["x"].float()).square().flatten(1).mean(1)
    assert gaps[-1] < gaps[0]


def test_the_class_that_is_asked_for_is_kept(labelled):
    picture = labelled([1000], {"y": 2})["x"]
    assert int(project(labelled, picture, 2, 2, "1").given["y"]) == 1
    found = project(labelled, picture, 4, 100, "2")
    assert int(found.given["y"]) == 2
    assert torch.equal(found.made, labelled.made_from(found.z[None], {"y": torch.tensor([2])}))


def test_codes_stay_what_they_can_be(coded):
    found = project(coded, coded([1000])["x"], 3, 60)
    assert sorted(found.z[6:16].tolist()) == [0.0] * 9 + [1.0]
    assert found.z[16:].abs().max() <= 1


def test_noise_is_kept_where_training_saw_it():
    parts = (*Latent(4).parts, Part("category", 2, "category"), Part("value1", 1, "uniform"))
    z, best = torch.full((2, 7), 9.0), torch.full((2, 7), 0.5)
    z[1, :4] = 0.1
    _keep_inside(z, best, parts)
    assert z[0, :4].norm().item() == pytest.approx(18.467**0.5, rel=1e-3)  # chi-squared of 4, its 99.9% quantile
    assert z[1, :4].tolist() == pytest.approx([0.1] * 4)
    assert z[:, 4:].tolist() == [[0.5, 0.5, 1.0]] * 2


def test_no_more_starts_than_seeds_and_one_step_will_do(ready):
    found = project(ready, torch.from_numpy(np.full((1, 1, 8, 8), 255, np.uint8)), starts=1, steps=1)
    assert found.z.shape == (6,)


def test_no_class_of_a_run_without_any(ready):
    with pytest.raises(UserError, match="no classes"):
        project(ready, ready([0])["x"], 1, 1, "2")
