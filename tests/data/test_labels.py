import pytest

from sparring.data.entries import Entry
from sparring.data.labels import encode, picture_labels


@pytest.mark.parametrize(
    ("labels", "names", "codes", "classes"),
    [
        (["b", "a", "b"], (), [1, 0, 1], ("a", "b")),
        ([10, 9], (), [1, 0], ("9", "10")),
        ([1, -1], ("zero", "one"), [1, 0], ("-1", "one")),
    ],
)
def test_encode(labels, names, codes, classes):
    found = encode(labels, names)
    assert (found[0].tolist(), found[1]) == (codes, classes)


@pytest.mark.parametrize(
    ("names", "classes"),
    [(["a/1", "b/x/2"], ("a", "b")), (["a/1", "a/2"], ()), (["a/1", "b/2", "3"], ()), (["1", "2"], ())],
)
def test_first_level_folders(names, classes):
    entries = [Entry(name, lambda: None) for name in names]
    assert picture_labels(entries).classes == classes
