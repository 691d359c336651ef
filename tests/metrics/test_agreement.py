"""Per class, how often a classifier reads samples as what they were asked to be."""

import math

import numpy as np
import pytest
import torch

import sparring
from sparring.data import viewed
from sparring.metrics import agreement, overall, read_by_neighbors
from sparring.scoring import Scorer

NAMES = ("low", "middle", "high")


def labelled(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Points in three clusters, and which they are of."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return (rng.normal(size=(n, 2)) + 10 * labels[:, None]).astype(np.float32), labels


def test_shares_are_by_the_class_that_was_asked_for():
    asked, read = torch.tensor([0, 0, 0, 0, 2]), torch.tensor([0, 0, 1, 2, 2])
    found = agreement(read, asked, torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), NAMES)
    assert [(each.name, each.samples, each.asked) for each in found] == [("low", 0.5, 4), ("high", 1.0, 1)]
    assert found[0].reals == 0.5
    assert math.isnan(found[1].reals)  # no real of the class
    assert overall(found) == (pytest.approx(3 / 5), 0.5)  # the class without reals has no part in theirs
    assert math.isnan(overall(found[1:])[1])


def test_the_nearest_reals_vote():
    reals = torch.tensor([[0.0], [0.1], [0.2], [0.3], [0.4], [5.0], [5.1], [5.2], [5.3], [5.4]])
    labels = torch.tensor([0, 1, 0, 0, 1, 1, 1, 0, 1, 1])
    assert read_by_neighbors(torch.tensor([[0.0], [5.0]]), reals, labels).tolist() == [0, 1]


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 0.0)])
def test_a_scorer_says_how_often_samples_are_of_their_class(shift, expected):
    scorer = Scorer(viewed(sparring.data.open(labelled(0)), "x"), "clusters", samples=60)
    made, labels = labelled(1, 60)
    asked = torch.from_numpy((labels + shift) % 3)
    found = scorer(torch.from_numpy(made), "made", asked)
    assert found.agreement is not None
    assert [each.samples for each in found.agreement] == [expected] * 3
    assert [each.reals for each in found.agreement] == [1.0] * 3
    assert len(found.to_dict()["agreement"]) == 3
    assert scorer(torch.from_numpy(made)).agreement is None


def test_a_labelled_run_is_evaluated_by_class(tmp_path):
    run = sparring.train(
        labelled(0), recipe="cgan", rounds=4, options={"width": 4}, evaluate_every="2", out=tmp_path / "run"
    )
    found = sparring.evaluate(run.path, against=labelled(0), samples=60)
    assert found.agreement is not None
    assert [each.name for each in found.agreement] == ["0", "1", "2"]
    assert sum(each.asked for each in found.agreement) == found.provenance["samples"]
    page = sparring.report(run.path).read_text(encoding="utf-8")
    assert "class asked for" in page
