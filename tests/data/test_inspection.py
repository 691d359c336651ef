import json
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from sparring.data import inspect
from sparring.errors import UserError


def test_a_mixed_folder_is_reported_as_it_is(folder, noise):
    for i, name in enumerate(("cat", "dog")):
        (folder / name).mkdir()
        for k in range(6):
            file = folder / f"{6 * i + k:02}.png"
            file.rename(folder / name / file.name)
    noise(50, 9, 5, "L").save(folder / "cat" / "grey.png")
    shutil.copy(folder / "cat" / "00.png", folder / "dog" / "copy.png")
    shutil.copy(folder / "cat" / "00.png", folder / "dog" / "third.png")
    truncated = (folder / "dog" / "07.png").read_bytes()[:-60]
    (folder / "dog" / "07.png").write_bytes(truncated)
    (folder / "dog" / "notes.txt").write_text("hello")
    found = inspect(folder)
    assert found.kind == "image"
    assert found.count == 14
    assert found.sizes == Counter({"8x8": 13, "9x5": 1})
    assert found.modes == Counter({"RGB": 13, "L": 1})
    assert found.labels == {"cat": 7, "dog": 7}
    assert [name for name, _ in found.corrupt] == ["dog/07.png"]
    assert found.ignored == {".txt": 1}
    assert found.duplicates == 2
    assert found.duplicate_groups == [["cat/00.png", "dog/copy.png", "dog/third.png"]]
    assert found.values == (0, 255)
    assert json.loads(json.dumps(found.to_dict()))["sizes"] == {"8x8": 13, "9x5": 1}


def test_duplicates_are_of_pixels_not_of_files(folder, noise):
    noise(0).save(folder / "other.bmp")
    assert inspect(folder).duplicate_groups == [["00.png", "other.bmp"]]


def test_the_same_bytes_in_another_form_are_no_duplicate(tmp_path, noise):
    for height, width in ((4, 8), (8, 4)):
        pixels = np.asarray(noise(0, 4, 8)).reshape(height, width, 3)
        Image.fromarray(pixels.copy()).save(tmp_path / f"{height}.png")
    assert inspect(tmp_path).duplicates == 0


def test_two_domains(tmp_path, noise):
    for domain, count in {"trainA": 3, "trainB": 2, "testA": 1}.items():
        (tmp_path / domain).mkdir()
        for i in range(count):
            noise(ord(domain[-1]) + i).save(tmp_path / domain / f"{i}.png")
    found = inspect(tmp_path)
    assert found.kind == "unpaired"
    assert found.labels == {"trainA": 3, "trainB": 2}
    assert found.count == 5


def test_arrays():
    pictures = np.random.default_rng(0).integers(0, 200, (6, 8, 5, 3), dtype=np.uint8)
    pictures[4] = pictures[1]
    found = inspect((pictures, np.array([0, 0, 0, 3, 3, 0])))
    assert found.count == 6
    assert found.sizes == Counter({"8x5": 6})
    assert found.modes == Counter({"RGB": 6})
    assert found.labels == {"0": 4, "3": 2}
    assert (found.duplicates, found.duplicate_groups) == (1, [["example 1", "example 4"]])
    assert found.values == (pictures.min(), pictures.max())


def test_points():
    found = inspect(np.array([[0.5, -3.0], [7.0, 1.0]]))
    assert found.kind == "points"
    assert found.sizes == Counter({"2": 2})
    assert found.values == (-3.0, 7.0)
    assert json.loads(json.dumps(found.to_dict()))["values"] == [-3.0, 7.0]


def test_a_folder_of_broken_files_is_reported_and_a_missing_one_refused(tmp_path):
    (tmp_path / "a.png").touch()
    found = inspect(tmp_path)
    assert (found.count, len(found.corrupt)) == (0, 1)
    with pytest.raises(UserError, match="does not exist"):
        inspect(tmp_path / "nowhere")
