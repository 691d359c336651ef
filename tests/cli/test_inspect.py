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


@pytest.fixture
def two(tmp_path) -> tuple[str, str]:
    """Two folders of one thing each in two drawings, of which one has no partner."""
    for style, numbers in (("a", range(6)), ("b", range(1, 6))):
        (tmp_path / style).mkdir()
        for number in numbers:
            Image.new("RGB", (8, 8), (40 * number, 0, 100)).save(tmp_path / style / f"{number}.png")
    return "a", "b"


def test_two_domains_say_who_has_no_partner_and_are_shown(sparring, two, tmp_path):
    said = sparring("inspect", "--a", "a", "--b", "b", "--sheet", "sheet.png")
    assert (said.code, said.err) == (0, "")
    assert "5 files of one name; 1 files have no partner: 0.png" in said.out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > sheet.height
    found = json.loads(sparring("inspect", "--a", "a", "--b", "b", "--json").out)
    assert (found["kind"], found["partners"], found["alone"]) == ("unpaired", 5, ["0.png"])


def test_pairs_are_shown_beside_one_another(sparring, two, tmp_path):
    (tmp_path / "a" / "0.png").unlink()
    assert sparring("inspect", "--a", "a", "--b", "b", "--pairs", "names", "--sheet", "sheet.png").code == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels[0, 0].tolist() == pixels[0, 100].tolist() != [0, 0, 0]


def test_what_is_not_said_right_is_refused(refused, two, tmp_path):
    refused("inspect", "--a", "a", says="--b is missing")
    refused("inspect", "a", "--a", "a", "--b", "b", says="a was given beside --a and --b")
    refused("inspect", says="nothing to inspect")
    refused("inspect", "a", "--pairs", "some", says="--pairs some")
    refused("inspect", "a", "--sheet", "sheet.jpg", says="--sheet sheet.jpg")
