from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.data import Unpaired, open
from sparring.kinds import classes_of


@pytest.fixture
def domains(tmp_path: Path, noise) -> Path:
    for domain, count in {"trainA": 20, "trainB": 12, "testA": 3}.items():
        (tmp_path / domain).mkdir()
        for i in range(count):
            noise(1000 * ord(domain[-1]) + i).save(tmp_path / domain / f"{domain}{i}.png")
    return tmp_path


def test_two_domains_are_opened_apart(domains):
    data = open(domains)
    assert isinstance(data, Unpaired)
    assert tuple(data.schema) == ("a", "b")
    assert classes_of(data.schema) == ()
    assert (len(data.a), len(data.b), len(data)) == (18, 11, 18)
    batch = data.batch(0, 4, seed=0)
    assert {key: tuple(x.shape) for key, x in batch.items()} == {"a": (4, 3, 8, 8), "b": (4, 3, 8, 8)}
    alone = open(domains / "trainB")
    np.testing.assert_array_equal(data.b.train["x"], alone.train["x"])
    assert data.b.fingerprint == alone.fingerprint
    assert data.fingerprint != Unpaired(data.b, data.a).fingerprint
    assert "3 other files" in " ".join(data.notes)


def test_the_two_orders_are_independent(domains):
    data = open(domains)
    same = Unpaired(data.a, data.a)
    for seed in (0, 1):
        batch = same.batch(0, 18, seed)
        assert not torch.equal(batch["a"], batch["b"])
    again = same.batch(0, 18, 1)
    assert torch.equal(again["a"], batch["a"])
    assert torch.equal(again["b"], batch["b"])


def test_held_out_batches_are_equally_long(domains):
    assert {len(x) for x in open(domains).held_out(50).values()} == {1}


def test_both_domains_get_one_shape(domains, noise):
    for i in range(12):
        noise(i, 6, 6, "L").save(domains / "trainB" / f"trainB{i}.png")
    data = open(domains)
    assert data.schema["a"].shape == data.schema["b"].shape == (3, 8, 8)
    assert data.b.train["x"].shape[1:] == (3, 8, 8)
