import json
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from sparring.data import Unpaired, inspect, open
from sparring.kinds import classes_of


@pytest.fixture
def tree(tmp_path, noise):
    """Write different pictures to these folders of one source: `tree({"cat": 3, "dog": 2})`."""

    def plant(counts: dict[str, int], top: str = "tree") -> Path:
        for place, (folder, count) in enumerate(counts.items()):
            (tmp_path / top / folder).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                noise(1000 * place + i).save(tmp_path / top / folder / f"{i:02}.png")
        return tmp_path / top

    return plant


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def by_class(data) -> dict[str, int]:
    labels = [*data.train["y"], *data.kept["y"]]
    return {name: labels.count(i) for i, name in enumerate(classes_of(data.schema))}


def both(folder: Path) -> tuple[Path, Path]:
    return folder, zipped(folder)


def test_the_index_of_stylegan_gives_the_labels(tree):
    root = tree({"set/00000": 6, "set/00001": 6})
    names = sorted(path.relative_to(root / "set").as_posix() for path in root.rglob("*.png"))
    labels = [[name, [7, 3, 3][i % 3]] for i, name in enumerate(names)]
    (root / "set" / "dataset.json").write_text(json.dumps({"labels": labels}))
    for source in both(root):
        data = open(source)
        assert by_class(data) == {"3": 8, "7": 4}
        assert "dataset.json" in " ".join(data.notes)
        assert inspect(source).labels == {"3": 8, "7": 4}
        assert inspect(source).ignored == {}


@pytest.mark.parametrize("labels", [None, [], [["00000/00.png", 1]], [["00000/00.png", [0.5, 0.1]]]])
def test_shards_without_labels_are_no_classes(tree, labels):
    root = tree({"00000": 6, "00001": 6})
    (root / "dataset.json").write_text(json.dumps({"labels": labels}))
    for source in both(root):
        data = open(source)
        assert "y" not in data.train
        assert any(note.startswith("no labels") for note in data.notes)


@pytest.mark.parametrize("text", ['{"info": 3}', "[1, 2]", '{"labels": 7}', "no JSON", '{"labels": [1, 2]}'])
def test_any_other_file_of_that_name_is_only_passed_over(tree, text):
    root = tree({"cat": 6, "dog": 6})
    (root / "dataset.json").write_text(text)
    assert classes_of(open(root).schema) == ("cat", "dog")
    assert inspect(root).ignored == {".json": 1}


@pytest.mark.parametrize("top", ["", "download/"])
@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "VAL")])
def test_only_the_training_part_of_a_split_set_is_read(tree, top, train, test):
    root = tree({f"{top}{train}/cat": 5, f"{top}{train}/dog": 6, f"{top}{test}/cat": 3, f"{top}{test}/dog": 4})
    for source in both(root):
        data = open(source)
        assert by_class(data) == {"cat": 5, "dog": 6}
        assert inspect(source).labels == {"cat": 5, "dog": 6}
        for notes in (data.notes, inspect(source).notes):
            assert any(f"{test} (7)" in note for note in notes)


def test_parts_without_one_for_training_are_all_read_and_no_classes(tree):
    root = tree({"val": 5, "test": 5})
    data = open(root)
    assert (classes_of(data.schema), len(data) + len(data.kept["x"])) == ((), 10)
    assert "not classes" in " ".join(data.notes)


def test_a_class_may_be_called_train(tree):
    assert classes_of(open(tree({"bus": 4, "train": 4})).schema) == ("bus", "train")


def test_two_domains_in_a_folder_that_wraps_them(tree):
    root = tree({"horse2zebra/trainA": 4, "horse2zebra/trainB": 5, "horse2zebra/testA": 2})
    for source in both(root):
        assert isinstance(open(source), Unpaired)
        assert inspect(source).labels == {"trainA": 4, "trainB": 5}


def test_labels_are_told(tree):
    root = tree({"cat": 5, "dog": 5})
    for notes in (open(root).notes, inspect(root).notes):
        assert [note for note in notes if "cat, dog" in note]


def test_links_are_followed(tree):
    tree({"cats": 5}, top="real")
    root = tree({"dogs": 6})
    (root / "cats").symlink_to(Path("../real/cats"))
    (root / "one.png").symlink_to(Path("../real/cats/00.png"))
    (root / "one.png").rename(root / "dogs" / "one.png")
    (root / "dogs" / "one.png").unlink()
    data = open(root)
    assert by_class(data) == {"cats": 5, "dogs": 6}
    assert not any("not followed" in note for note in data.notes)


def test_links_that_form_loops_end(tree):
    root = tree({"cats": 5, "dogs": 6})
    (root / "dogs" / "up").symlink_to(root)
    (root / "cats" / "others").symlink_to(root / "dogs")
    (root / "a").symlink_to(root / "cats")
    (root / "beyond").symlink_to(root.parent)
    (root / "self").symlink_to(root / "self")
    data = open(root)
    assert by_class(data) == {"cats": 5, "dogs": 6}
    assert any("4 " in note or "3 more" in note for note in data.notes if "not followed" in note)


def test_a_link_that_leads_nowhere_is_named(tree):
    root = tree({"": 5})
    (root / "gone.png").symlink_to(root / "nowhere.png")
    assert dict(inspect(root).corrupt) == {"gone.png": "a link that leads nowhere"}
    assert "gone.png" in " ".join(open(root).notes)


@pytest.mark.parametrize("odd", [b"caf\xe9", b"two\nlines", b"esc\x1b[31m"])
def test_any_name_fits_in_a_line(tree, odd):
    root = tree({"tee": 5, "other": 5})
    try:
        (root / "other").rename(root / odd.decode("utf-8", "surrogateescape"))
    except OSError:
        pytest.skip("the file system takes no such name")
    (root / odd.decode("utf-8", "surrogateescape") / "broken.png").touch()
    data, found = open(root), inspect(root)
    said = [*data.notes, *classes_of(data.schema), *found.labels, *found.notes, *(name for name, _ in found.corrupt)]
    assert len(classes_of(data.schema)) == 2
    assert any("broken.png" in text for text in said)
    for text in said:
        assert text.isprintable()
        text.encode()


def test_backslashes_of_windows_are_folders(tree):
    root = tree({"cat": 5, "dog": 5})
    with ZipFile(root / "odd.zip", "w") as archive:
        for path in root.rglob("*.png"):
            archive.write(path, path.relative_to(root).as_posix())
    raw = (root / "odd.zip").read_bytes().replace(b"cat/", b"cat\\").replace(b"dog/", b"dog\\")
    (root / "odd.zip").write_bytes(raw)
    assert by_class(open(root / "odd.zip")) == {"cat": 5, "dog": 5}
