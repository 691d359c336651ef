import pytest
import torch

from sparring import cache
from sparring.cache import Cache


class Made:
    """Makes tensors, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, torch.Tensor]:
        self.times += 1
        return {"a": torch.arange(1000.0), "b": torch.ones(2, 3).T}


def test_what_is_kept_is_not_made_again(tmp_path):
    made = Made()
    for _ in range(2):
        found = Cache(tmp_path / "deep" / "folder")(("key", 1), made)  # a new process each time
        assert torch.equal(found["a"], torch.arange(1000.0))
        assert torch.equal(found["b"], torch.ones(3, 2))
    assert made.times == 1
    Cache(tmp_path / "deep" / "folder")(("key", 2), made)
    assert made.times == 2


def test_no_folder_keeps_nothing():
    made, kept = Made(), Cache(None)
    kept(("key",), made)
    kept(("key",), made)
    assert made.times == 2


def _flip(content: bytes) -> bytes:
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


@pytest.mark.parametrize("damage", [lambda x: b"", lambda x: x[:50], lambda x: x[:-8], _flip, lambda x: b"\xff" * 99])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    made, kept = Made(), Cache(tmp_path)
    kept(("key",), made)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert torch.equal(kept(("key",), made)["a"], torch.arange(1000.0))
    assert made.times == 2
    assert path.read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_costs_time_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("")
    made, kept = Made(), Cache(tmp_path / "file" / "sparring")
    assert len(kept(("key",), made)) == len(kept(("key",), made)) == 2
    assert made.times == 2


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError("no space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert len(Cache(tmp_path)(("key",), Made())) == 2
    assert not list(tmp_path.iterdir())


def test_what_has_not_been_asked_for_the_longest_goes_first(tmp_path, monkeypatch):
    made, kept = Made(), Cache(tmp_path)
    for key in range(3):
        kept((key,), made)
        (newest,) = (path for path in tmp_path.iterdir() if path.stat().st_mtime > 1000)
        cache.os.utime(newest, (key, key))
    kept((0,), made)  # it is the newest now
    monkeypatch.setattr(cache, "MAX_BYTES", 3 * newest.stat().st_size)
    kept((3,), made)
    assert made.times == 4
    for key in (0, 2, 3):
        kept((key,), made)
    assert made.times == 4
    kept((1,), made)
    assert made.times == 5


def test_keys_tell_arrays_of_other_shapes_and_types_apart():
    zeros = torch.zeros(2, 3).numpy()
    arrays = (zeros, zeros.T, zeros.reshape(6), zeros.astype("f8")[:1], zeros[:0])
    assert len({cache.key_of(array) for array in arrays}) == len(arrays)
    assert cache.key_of("a", "b") != cache.key_of("ab")
    assert cache.key_of(zeros.T) == cache.key_of(zeros.T.copy())
