"""What was prepared once is not decoded again, and nothing that changed is overlooked."""

import os
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring import lock
from sparring.cache import user_cache
from sparring.data import Dataset, Unpaired, cached, inspect, inspection, open, preparing, storage, viewed
from sparring.kinds import classes_of
from sparring.scoring import Scorer


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, in which everything is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cached, "SLOW", 0.0)
    return tmp_path / "cache"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What was decoded so far."""
    found: list[object] = []
    true = preparing.decoded

    def counted(*arguments, **more):
        found.append(arguments[0])
        return true(*arguments, **more)

    monkeypatch.setattr(preparing, "decoded", counted)
    return found


def same(one: Dataset | Unpaired, other: Dataset | Unpaired) -> None:
    """Both give the same to the byte."""
    assert one.fingerprint == other.fingerprint
    assert one.schema == other.schema
    assert len(one) == len(other)
    for draw in range(4):
        a, b = one.batch(draw, 5, seed=3), other.batch(draw, 5, seed=3)
        assert a.keys() == b.keys()
        assert all(a[name].numpy().tobytes() == b[name].numpy().tobytes() for name in a)
    a, b = one.held_out(), other.held_out()
    assert all(a[name].numpy().tobytes() == b[name].numpy().tobytes() for name in a)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def data_file(kept: Path) -> Path:
    (found,) = kept.rglob("*.data")
    return found


def test_a_second_start_decodes_nothing_and_gives_the_same(folder, decoded):
    first = open(folder, mirror=True)
    assert len(decoded) == 12
    again = open(folder, mirror=True)
    assert len(decoded) == 12
    same(first, again)
    same(first, open(folder, mirror=True, cache=False))
    assert "prepared 12 examples in the cache" in first.notes[-1]
    assert "read from the cache" in again.notes[-1]
    assert str(user_cache() / "data") in again.notes[-1]


@pytest.mark.parametrize("large", [1, 1 << 30])
def test_filled_in_place_or_written_from_memory_it_is_the_same(folder, monkeypatch, large):
    monkeypatch.setattr(storage, "LARGE", large)
    (folder / "05.png").write_bytes(b"broken")
    first, again = open(folder), open(folder)
    same(first, again)
    same(again, open(folder, cache=False))
    assert "skipped 1 file" in again.notes[0]


def test_labels_and_classes_are_kept(folder):
    for name in ("cat", "dog"):
        (folder / name).mkdir()
    for i in range(12):
        (folder / f"{i:02}.png").rename(folder / ("cat" if i < 4 else "dog") / f"{i:02}.png")
    same(open(folder), open(folder))
    assert classes_of(open(folder).schema) == ("cat", "dog")


def test_points_keep_their_units(tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(3, 2, (50, 3)))
    same(open(tmp_path / "points.npy"), open(tmp_path / "points.npy"))
    assert open(tmp_path / "points.npy", scale="each").schema != open(tmp_path / "points.npy", scale="one").schema


def test_two_domains(folder, noise, decoded):
    for name, count in (("trainA", 7), ("trainB", 5)):
        (folder / name).mkdir()
        for i in range(count):
            (folder / f"{i + 7 * (name == 'trainB'):02}.png").rename(folder / name / f"{i}.png")
    first = open(folder)
    seen = len(decoded)
    again = open(folder)
    assert isinstance(again, Unpaired)
    assert len(decoded) == seen
    same(first, again)


def change(folder: Path, noise) -> None:
    noise(77).save(folder / "03.png")


def touch_back(folder: Path, noise) -> None:
    """Another picture with the size and the time of the old one."""
    path = folder / "03.png"
    status = path.stat()
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "changes",
    [
        change,
        touch_back,
        lambda folder, noise: noise(78).save(folder / "more.png"),
        lambda folder, noise: (folder / "03.png").unlink(),
        lambda folder, noise: (folder / "03.png").rename(folder / "zz.png"),
    ],
)
def test_a_changed_folder_is_noticed(folder, noise, decoded, changes: Callable[..., object]):
    open(folder)
    before = len(decoded)
    changes(folder, noise)
    data = open(folder)
    assert len(decoded) > before
    same(data, open(folder, cache=False))
    assert len(files(user_cache())) == 1  # the old form is replaced


@pytest.mark.parametrize("option", [{"size": (6, 6)}, {"channels": 1}, {"channels": "raw"}, {"frames": "all"}])
def test_other_options_are_another_entry(folder, decoded, option):
    open(folder)
    same(open(folder, **option), open(folder, cache=False, **option))
    assert len(files(user_cache())) == 2


@pytest.mark.parametrize("left", [0.0, 0.3, 0.9, 0.999])
def test_a_cut_off_file_is_made_again(folder, decoded, kept, left):
    first = open(folder)
    path = data_file(kept)
    raw = path.read_bytes()
    path.unlink()  # the first data set still looks at the file
    path.write_bytes(raw[: int(left * len(raw))])
    again = open(folder)
    assert len(decoded) == 24
    same(first, again)
    assert path.read_bytes() == raw


def test_an_interrupted_preparation_leaves_nothing(folder, kept, monkeypatch):
    monkeypatch.setattr(storage, "LARGE", 1)
    monkeypatch.setattr(preparing, "assemble", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        open(folder)
    assert files(kept) == []


def test_without_a_cache_nothing_is_written(folder, kept):
    open(folder, cache=False)
    assert not kept.exists()


def test_what_is_small_and_quick_is_not_kept(folder, kept, monkeypatch):
    monkeypatch.setattr(cached, "SLOW", 1000.0)
    assert open(folder).notes == ()
    assert files(kept) == []
    monkeypatch.setattr(storage, "LARGE", 1)
    open(folder)
    assert len(files(kept)) == 1


def test_arrays_and_built_in_names_are_not_kept(kept):
    open("ring")
    open(np.zeros((4, 8, 8), np.uint8) + np.arange(4, dtype=np.uint8)[:, None, None])
    assert files(kept) == []


def test_a_built_in_name_is_not_kept_as_the_folder_of_that_name(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    folder.rename("digits")
    assert len(open("digits")) == 9000
    assert len(open("./digits")) == 11
    assert len(open("digits")) == 9000
    assert inspect("digits").count == 10_000
    assert inspect("./digits").count == 12


def test_a_cache_that_cannot_be_written_is_no_error(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    same(open(folder), open(folder, cache=False))


def test_a_full_disk_is_no_error(folder, kept, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    data = open(folder)
    assert "not kept in the cache" in data.notes[-1]
    assert files(kept) == []


def test_two_processes_prepare_a_source_once(folder, monkeypatch, decoded):
    place = cached.place_of(folder, preparing.Preparation())
    assert place
    open(folder)
    hidden = place.folder.with_name("hidden")
    shutil.copytree(place.folder, hidden)
    data_file(place.folder).unlink()
    other = lock.locked(place.folder)
    other.__enter__()

    def done(_: float) -> None:
        shutil.copytree(hidden, place.folder, dirs_exist_ok=True)
        other.__exit__(None, None, None)

    monkeypatch.setattr(cached.time, "sleep", done)
    said: list[str] = []
    open(folder, progress=lambda what, _: said.append(what))
    assert len(decoded) == 12
    assert "waiting for another process" in said[0]


def test_progress_is_told_to_its_end(folder):
    told: list[tuple[str, float]] = []
    open(folder, progress=lambda what, share: told.append((what, share)))
    assert dict(told) == {"looking at 12 files": 1.0, "reading 12 pictures": 1.0}


def test_what_is_mapped_to_be_read_can_be_judged(folder, noise):
    for i in range(12, 60):
        noise(i).save(folder / f"{i:02}.png")
    open(folder)
    data = open(folder, mirror=True)
    assert not data.train["x"].flags.writeable
    samples = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (20, 3, 8, 8), dtype=np.uint8))
    found = Scorer(viewed(data, "x"), "folder", samples=20)(samples)
    again = Scorer(viewed(open(folder, mirror=True, cache=False), "x"), "folder", samples=20)(samples)
    assert found.rows == again.rows


def test_memory_stays_far_below_the_size_of_the_set(folder, noise, monkeypatch):
    for i in range(12, 200):
        noise(i).save(folder / f"{i:03}.png")
    monkeypatch.setattr(storage, "LARGE", 1)
    monkeypatch.setattr(storage, "PART", 1 << 20)
    decoded = 200 * 3 * 256 * 256
    open(folder, size=(256, 256))  # what is imported at first is not counted
    shutil.rmtree(user_cache())
    tracemalloc.start()
    data = open(folder, size=(256, 256))
    data.batch(0, 8, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.train["x"].nbytes + data.kept["x"].nbytes == decoded
    assert peak < decoded / 3


def test_an_inspection_is_kept_as_long_as_nothing_changes(folder, noise, monkeypatch):
    (folder / "05.png").write_bytes(b"broken")
    first = inspect(folder)
    with monkeypatch.context() as patch:
        patch.setattr(inspection, "lay_out", lambda *_, **__: pytest.fail("it was looked at again"))
        assert inspect(folder) == first
    noise(5).save(folder / "05.png")
    assert inspect(folder).corrupt == []
