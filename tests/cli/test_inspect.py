import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path) -> str:
    """Five good pictures of two classes, two of them the same, and a broken one."""
    for name, level in (("a/0", 0), ("a/1", 50), ("a/2", 50), ("b/0", 100), ("b/1", 150)):
        path = tmp_path / "folder" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6), level).save(path)
    (tmp_path / "folder" / "b" / "broken.png").write_bytes(b"\x89PNG no")
    return "folder"


def test_for_machines(sparring, folder):
    said = sparring("inspect", folder, "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert found["kind"] == "image"
    assert found["count"] == 5
    assert found["sizes"] == {"6x8": 5}
    assert found["labels"] == {"a": 3, "b": 2}
    assert found["duplicates"] == 1
    assert found["duplicate_groups"] == [["a/1.png", "a/2.png"]]
    assert [name for name, _ in found["corrupt"]] == ["b/broken.png"]


def test_for_people(sparring, folder):
    said = sparring("inspect", folder)
    assert (said.code, said.err) == (0, "")
    assert not said.out.startswith("Inspection(")  # the repr of a class is not for people
    for fact in ("5", "6x8", "broken.png", "a/1.png"):
        assert fact in said.out


def test_arrays(sparring, points):
    found = json.loads(sparring("inspect", points, "--json").out)
    assert (found["kind"], found["count"]) == ("points", 60)
    values = np.load(points)
    assert found["values"] == [values.min(), values.max()]


def test_nothing_is_written(sparring, folder, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    sparring("inspect", folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_cannot_be_inspected_is_refused(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    refused("inspect", "nowhere", says="nowhere does not exist")
    refused("inspect", "empty", says="empty")
    refused("inspect", "notes.txt", says="notes.txt is of a type that cannot be read")
    refused("inspect", "broken.npy", says="broken.npy is not a")
    refused("inspect", "digts", says="did you mean digits")
