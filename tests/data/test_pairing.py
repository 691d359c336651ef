"""Pairs and domains from files: who belongs to whom, what is held out, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import Paired, Unpaired, inspect, open, preparing, two_domains
from sparring.errors import UserError


def drawing(number: int, style: int, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Image.Image:
    """A flat picture that says which thing it is (its first value) and in which style (its last)."""
    level = np.full((*size, 3), (number, 128, style), np.uint8)
    return Image.fromarray(level).convert(mode)


@pytest.fixture
def two(tmp_path):
    """`two(a=[0, 1], b=[1, 2])` writes the things of these numbers into two folders, which are returned."""

    def write(top: str = "two", ending: str = "png", **things: list[int]) -> Path:
        for style, (folder, numbers) in enumerate(things.items()):
            (tmp_path / top / folder).mkdir(parents=True)
            for number in numbers:
                drawing(number, style).save(tmp_path / top / folder / f"thing{number:03}.{ending if style else 'png'}")
        return tmp_path / top

    return write


def numbers(rows) -> list[list[int]]:
    return [rows[name][:, 0, 0, 0].tolist() for name in "ab"]


def test_files_of_one_name_are_pairs_wherever_they_lie(two):
    root = two(trainA=list(range(30)), trainB=list(range(29, -1, -1)), ending="bmp")
    data = open(root, pairs="names")
    assert isinstance(data, Paired)
    a, b = numbers(data.rows(slice(None)))
    held_a, held_b = numbers(data.held_out())
    assert a == b
    assert held_a == held_b
    assert sorted(a + held_a) == list(range(30))
    assert len(held_a) == 3
    apart = open((root / "trainA", shutil.make_archive(str(root / "b"), "zip", root / "trainB")), pairs="names")
    assert apart.fingerprint == data.fingerprint
    assert two_domains(root)
    assert two_domains((root / "trainA", root / "trainB"))
    assert not two_domains(root / "trainA")


def test_no_thing_is_on_both_sides_of_unpaired_domains_of_one_thing(two):
    root = two(trainA=list(range(40)), trainB=list(range(5, 42)))
    data = open(root)
    assert isinstance(data, Unpaired)
    a, b = numbers(data.held_out())
    assert a == b
    assert data.matched == len(a) == 3
    trained = {*data.a.train["x"][:, 0, 0, 0].tolist(), *data.b.train["x"][:, 0, 0, 0].tolist()}
    assert not trained & set(a)
    assert (len(data.a), len(data.b)) == (37, 34)
    assert any("35 files of a (40) and b (37) have one name" in note for note in data.notes)


def test_domains_of_other_names_are_held_out_each_by_its_own_content(two):
    root = two(trainA=list(range(30)), trainB=list(range(20, 60)))
    data = open(root)
    assert isinstance(data, Unpaired)
    assert data.matched == 0
    assert data.a.fingerprint == open(root / "trainA").fingerprint


def test_copies_of_what_is_held_out_are_not_trained_on(two, tmp_path):
    root = two(trainA=list(range(30)), trainB=list(range(30)))
    for number in range(28):  # each thing is drawn alike under another name, some of them without a partner
        for folder in ("trainA", "trainB"):
            if number % 4 or folder == "trainA":
                shutil.copy(root / folder / f"thing{number:03}.png", root / folder / f"other{number:03}.png")
    data = open(root)
    assert isinstance(data, Unpaired)
    assert data.matched >= 2
    for domain in (data.a, data.b):
        held = {x.tobytes() for x in domain.kept["x"]}
        assert held
        assert not held & {x.tobytes() for x in domain.train["x"]}


def test_test_folders_are_what_is_held_out(two):
    root = two(trainA=list(range(9)), trainB=list(range(9)), valA=[30], valB=[31], testA=[20, 21, 22], testB=[21, 22])
    for pairs, held in ((None, [21, 22]), ("names", [21, 22])):
        if pairs:
            (root / "testA" / "thing020.png").unlink()
        data = open(root, pairs=pairs)
        assert sorted(numbers(data.held_out())[0]) == held
        assert numbers(data.held_out())[0] == numbers(data.held_out())[1]
        assert len(data) == 9
        assert any("testA and testB are held out" in note for note in data.notes)
    assert inspect(root).labels == {"trainA": 9, "trainB": 9, "testA": 2, "testB": 2}


def test_halves_of_a_picture_are_a_pair(tmp_path):
    for number in range(20):
        whole = Image.new("RGB", (12, 5))
        whole.paste(drawing(number, 0, (5, 6)), (0, 0))
        whole.paste(drawing(100 + number, 1, (5, 6)), (6, 0))
        whole.save(tmp_path / f"{number:02}.png")
    data = open(tmp_path, pairs="side-by-side")
    assert isinstance(data, Paired)
    assert [kind.shape for kind in data.schema.values()] == [(3, 5, 6)] * 2
    a, b = numbers(data.rows(slice(None)))
    assert [number + 100 for number in a] == b
    assert len(set(a)) == 18
    assert inspect(tmp_path, pairs="side-by-side").kind == "pairs"
    drawing(0, 0, (5, 11)).save(tmp_path / "odd.png")
    with pytest.raises(UserError, match=r"odd\.png .* is 11 pixels wide: an odd number"):
        open(tmp_path, pairs="side-by-side")
    assert any("odd.png" in note for note in inspect(tmp_path, pairs="side-by-side").notes)


def test_pairs_keep_their_own_channels_and_sizes(two, tmp_path):
    root = two(trainA=[], trainB=list(range(12)))
    for number in range(12):
        drawing(number, 0, (4, 4), "L").resize((4, 4)).save(root / "trainA" / f"thing{number:03}.png")
    assert [kind.shape for kind in open(root, pairs="names").schema.values()] == [(1, 4, 4), (3, 8, 8)]
    assert [kind.shape for kind in open(root, pairs="names", size=(6, 4)).schema.values()] == [(1, 6, 4), (3, 6, 4)]
    both = open(root, size=(12, 12), size_a=(6, 6))
    assert [kind.shape for kind in both.schema.values()] == [(1, 6, 6), (3, 12, 12)]
    assert [kind.shape for kind in open(root).schema.values()] == [(3, 8, 8)] * 2


def test_a_file_without_a_partner_is_named(two):
    root = two(trainA=list(range(12)), trainB=list(range(1, 14)))
    with pytest.raises(UserError, match=r"3 files .*trainA/thing000\.png, trainB/thing012\.png") as error:
        open(root, pairs="names")
    assert error.value.hint
    found = inspect(root)
    assert (found.partners, found.strangers) == (11, 3)
    assert found.alone == ["trainA/thing000.png", "trainB/thing012.png", "trainB/thing013.png"]


def test_the_partner_of_a_broken_file_is_left_out(two):
    root = two(trainA=list(range(12)), trainB=list(range(12)))
    (root / "trainA" / "thing003.png").write_bytes(b"\x89PNG no")
    (root / "trainB" / "thing004.png").write_bytes((root / "trainB" / "thing004.png").read_bytes()[:45])
    (root / "trainB" / "notes.txt").write_text("words")
    data = open(root, pairs="names")
    a, b = numbers(data.rows(slice(None)))
    assert a == b
    assert sorted(a + numbers(data.held_out())[0]) == [k for k in range(12) if k not in (3, 4)]
    assert any("thing004" in note for note in data.notes)


@pytest.mark.parametrize(
    ("folders", "how", "said"),
    [
        (("trainA", "other"), {}, "has pictures in trainA, and none in trainB"),
        (("one",), {"pairs": "names"}, "is one folder, not two"),
        (("one",), {"size_a": (8, 8)}, "no a for size_a"),
        (("one",), {"swap": True}, "no two to swap"),
        (("trainA", "trainB"), {"pairs": "side-by-side"}, "is one of two folders"),
        (("trainA", "trainB"), {"pairs": "names", "frames": "all"}, "frames"),
    ],
)
def test_what_cannot_be_paired_is_refused(two, folders, how, said):
    root = two(**{name: list(range(5)) for name in folders})
    with pytest.raises(UserError, match=said) as error:
        open(root, **how)
    assert error.value.hint


@pytest.mark.parametrize("pairs", ["names", None])
def test_two_domains_change_places(two, pairs):
    root = two(trainA=list(range(20)), trainB=list(range(20)), testA=[30, 31], testB=[30, 31])
    ab, ba = (open(root, pairs=pairs, swap=swap, size_a=(4, 4) if swap else None) for swap in (False, True))
    assert [kind.shape[1:] for kind in ba.schema.values()] == [(4, 4), (8, 8)]
    for kept, turned in ((ab.held_out(), ba.held_out()), (ab.rows(slice(None)), ba.rows(slice(None)))):
        assert torch.equal(turned["b"], kept["a"])
        assert torch.equal(turned["a"], kept["b"][..., :4, :4])
    assert ab.fingerprint != ba.fingerprint


def test_the_halves_of_pictures_change_places(tmp_path):
    for number in range(12):
        both = np.full((8, 20, 3), number, np.uint8)
        both[:, 10:] += 100
        Image.fromarray(both).save(tmp_path / f"{number}.png")
    rows = open(tmp_path, pairs="side-by-side", swap=True, size_a=(4, 4)).rows(slice(None))
    assert (rows["a"].shape[2:], rows["b"].shape[2:]) == ((4, 4), (8, 10))
    assert torch.equal(rows["a"][:, 0, 0, 0], rows["b"][:, 0, 0, 0] + 100)


@pytest.mark.parametrize("pairs", ["names", None])
def test_labels_of_a_domain_stay_with_their_pictures(two, tmp_path, pairs):
    root = two(trainA=list(range(20)), trainB=list(range(20)))
    for number in range(20):
        place = root / "trainA" / ("even" if number % 2 == 0 else "odd")
        place.mkdir(exist_ok=True)
        (root / "trainA" / f"thing{number:03}.png").rename(place / f"thing{number:03}.png")
        (root / "trainB" / place.name).mkdir(exist_ok=True)
        (root / "trainB" / f"thing{number:03}.png").rename(root / "trainB" / place.name / f"thing{number:03}.png")
    data = open(root, pairs=pairs)
    assert {"y_a", "y_b"} <= data.schema.keys()
    for rows in (data.rows(slice(None)), data.batch(1, 8, 0), data.held_out()):
        for name in "ab":
            assert torch.equal(rows[name][:, 0, 0, 0] % 2, rows[f"y_{name}"])


def test_an_empty_domain_is_refused(two, tmp_path):
    root = two(a=list(range(5)))
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match="b is empty"):
        open((root / "a", tmp_path / "b"))
    (tmp_path / "b" / "notes.txt").write_text("words")
    with pytest.raises(UserError, match="b holds no pictures"):
        open((root / "a", tmp_path / "b"))


@pytest.mark.parametrize("pairs", ["names", None])
def test_domains_come_back_from_the_cache_as_they_were(two, monkeypatch, pairs):
    root = two(a=list(range(20)), b=list(range(20)))
    source = root / "a", root / "b"
    monkeypatch.setattr("sparring.data.cached.SLOW", 0.0)
    first = open(source, pairs=pairs)
    monkeypatch.setattr(preparing, "assemble_domains", lambda *_: pytest.fail("was prepared again"))
    again = open(source, pairs=pairs)
    assert again.fingerprint == first.fingerprint
    assert isinstance(again, Paired if pairs else Unpaired)
    assert numbers(again.held_out()) == numbers(first.held_out())
    if isinstance(again, Unpaired):
        assert again.matched == 2


def test_a_limit_keeps_pairs_together(two):
    data = open(two(trainA=list(range(30)), trainB=list(range(30))), pairs="names", limit=7)
    a, b = numbers(data.rows(slice(None)))
    assert a == b
    assert len(a) == 7
