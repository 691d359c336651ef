import mmap
import re
from pathlib import Path

import numpy as np
import pytest

from sparring.data import open, split, storage
from sparring.errors import UserError


def mapped(array: np.ndarray | memoryview | mmap.mmap | None) -> bool:
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def test_beyond_the_budget_the_same_data_lies_in_a_file(folder, monkeypatch):
    small = open(folder)
    assert not mapped(small.train["x"])
    monkeypatch.setattr(storage, "BUDGET", 100)
    monkeypatch.setattr(storage, "PART", 400)
    large = open(folder)
    assert mapped(large.train["x"])
    np.testing.assert_array_equal(large.train["x"], small.train["x"])
    assert large.fingerprint == small.fingerprint
    assert np.array_equal(large.batch(0, 5, 0)["x"], small.batch(0, 5, 0)["x"])


def test_a_full_disk_is_an_error_before_it_is_a_crash(monkeypatch):
    monkeypatch.setattr(storage, "BUDGET", 100)
    with pytest.raises(UserError, match=r"4000\.0 GB.*TMPDIR"):
        storage.allocate((4, 1000, 10**9), np.uint8)


@pytest.mark.parametrize("part", [1, 8, 1 << 20])
def test_keep_moves_rows_to_the_front_in_order(monkeypatch, part):
    monkeypatch.setattr(storage, "PART", part)
    array = np.arange(40).reshape(20, 2)
    mask = np.random.default_rng(0).random(20) < 0.6
    expected = array[mask]
    kept = storage.keep(array, mask)
    np.testing.assert_array_equal(kept, expected)
    assert kept.base is array or kept.base is array.base


@pytest.mark.parametrize("part", [1, 30, 1 << 20])
def test_parts_cover_everything_once(monkeypatch, part):
    monkeypatch.setattr(storage, "PART", part)
    array = np.arange(21).reshape(7, 3)
    np.testing.assert_array_equal(np.concatenate([array[rows] for rows in storage.parts(array)]), array)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="asks Linux how much of a mapping is in memory")
def test_what_was_gone_through_in_parts_is_not_left_in_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(storage, "LARGE", 1)
    monkeypatch.setattr(storage, "PART", 1 << 20)
    array = storage.allocate((64, 1 << 20), np.uint8, tmp_path / "mapped")
    array[:] = 1
    found = split.digests(array)
    assert len(found) == 64
    assert int(array.sum()) == array.size
    for _ in storage.parts(array[:2]):
        pass
    text = Path("/proc/self/smaps").read_text().partition(str(tmp_path / "mapped"))[2]
    assert int(re.search(r"Rss:\s+(\d+)", text)[1]) < 100


@pytest.mark.parametrize("part", [1, 30, 1 << 20])
def test_gather_is_indexing(monkeypatch, part):
    monkeypatch.setattr(storage, "PART", part)
    array = np.arange(60).reshape(20, 3)
    rows = np.random.default_rng(0).integers(0, 20, 30)
    np.testing.assert_array_equal(storage.gather(array, rows), array[rows])
