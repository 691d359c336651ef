"""The cache of prepared data stays within its bound, and nothing that is in use goes."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sparring
from sparring.data import cached, kept, open
from sparring.errors import UserError
from sparring.lock import locked

SRC = Path(sparring.__file__).parents[1]
MAP = """
import sys, time
import sparring.data
data = sparring.data.open(sys.argv[1])
print(data.notes[-1], flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _everything_is_kept(monkeypatch):
    monkeypatch.setattr(cached, "SLOW", 0.0)


@pytest.fixture
def sources(tmp_path, noise) -> list[Path]:
    """Three folders, kept in the cache one after another."""
    found = []
    for k in range(3):
        (tmp_path / str(k)).mkdir()
        found.append(tmp_path / str(k))
        for i in range(4):
            noise(10 * k + i).save(tmp_path / str(k) / f"{i}.png")
        open(found[-1])
        used_at(found[-1], k)
    gc.collect()  # nothing is mapped any more
    return found


def used_at(source: Path, when: int) -> None:
    place = next(each for each in kept.kept() if each.source == str(source))
    os.utime(place.folder / "0.data", (when, when))


def left() -> list[str]:
    return [Path(each.source).name for each in kept.kept()]


def test_what_was_used_least_recently_goes_first(sources):
    assert left() == ["0", "1", "2"]
    open(sources[0])
    gc.collect()
    assert left() == ["1", "2", "0"]
    size = kept.kept()[0].size
    assert [Path(each.source).name for each in kept.thin(2 * size)] == ["1"]
    assert left() == ["2", "0"]
    assert len(list(cached.root().iterdir())) == 2
    assert kept.thin(2 * size) == []
    assert len(kept.thin(0)) == 2
    assert list(cached.root().iterdir()) == []


def test_preparing_more_than_the_bound_removes_and_says_so(sources, monkeypatch, noise):
    size = kept.kept()[0].size
    monkeypatch.setenv(kept.VARIABLE, str(3 * size / 1e9))
    noise(99).save(sources[2] / "more.png")
    data = open(sources[2])  # it replaces its own, and is larger than that
    assert left() == ["1", "2"]
    assert "removed 1 other data set" in data.notes[-1]
    assert "SPARRING_CACHE_GB" in data.notes[-1]


def test_what_this_process_has_mapped_stays_until_it_is_let_go(sources):
    data = open(sources[0])
    rows = data.rows(slice(2))  # a view of the mapped file
    kept.thin(0)
    assert left() == ["0"]
    del data
    gc.collect()
    kept.thin(0)
    assert left() == ["0"]
    del rows
    gc.collect()
    kept.thin(0)
    assert left() == []


def test_what_another_process_has_mapped_stays_until_it_ends(sources):
    process = subprocess.Popen(
        [sys.executable, "-c", MAP, str(sources[1])],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert "read from the cache" in process.stdout.readline()
        kept.thin(0)
        assert left() == ["1"]
    finally:
        process.kill()
        process.communicate()
    kept.thin(0)
    assert left() == []


def test_what_is_being_prepared_stays(sources):
    with locked(kept.kept()[0].folder):
        kept.thin(0)
        assert left() == ["0"]


def test_what_is_being_opened_stays(sources, monkeypatch):
    true = cached.table_of

    def late(file):
        kept.thin(0)
        return true(file)

    monkeypatch.setattr(cached, "table_of", late)
    assert "read from the cache" in open(sources[0]).notes[-1]
    assert left() == ["0"]


@pytest.mark.parametrize("asked", ["many", "-1", "nan"])
def test_a_bound_that_is_no_number_is_refused(sources, monkeypatch, asked):
    monkeypatch.setenv(kept.VARIABLE, asked)
    with pytest.raises(UserError, match="SPARRING_CACHE_GB"):
        open(sources[0])
