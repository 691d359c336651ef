import zipfile

import numpy as np
import pytest
from PIL import Image

import sparring.data
from sparring.errors import UserError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    Image.new("L", (8, 6), 100).save(tmp_path / "b.png")
    Image.new("RGB", (40, 30), (255, 0, 0)).save(tmp_path / "deep" / "a.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    return tmp_path


def test_a_picture_is_fitted_like_data(folder):
    (one,), notes = sparring.data.read_fitted(folder / "deep" / "a.png", (1, 6, 8))
    opened = sparring.data.read(np.asarray(Image.open(folder / "deep" / "a.png"))[None], size=(6, 8), channels=1)
    assert (one.name, one.stored, notes) == ("a.png", (3, 30, 40), ())
    assert np.array_equal(one.picture, opened[0])


def test_a_folder_or_zip_gives_one_a_file_and_tells_what_it_passed_over(folder):
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for name in ("b.png", "deep/a.png", "broken.png"):
            archive.write(folder / name, name)
    packed, said = sparring.data.read_fitted(folder / "all.zip", (3, 6, 8))
    (folder / "all.zip").unlink()
    found, notes = sparring.data.read_fitted(folder, (3, 6, 8))
    assert [each.name for each in found] == [each.name for each in packed] == ["b.png", "deep/a.png"]
    assert all(each.picture.shape == (3, 6, 8) for each in found)
    assert found[0].stored == (1, 6, 8)
    assert notes == said == ("skipped 1 file that is not a readable image: broken.png",)


@pytest.mark.parametrize("name", ["broken.png", "nowhere.png", "digits"])
def test_what_is_no_picture_is_refused(folder, name):
    with pytest.raises(UserError):
        sparring.data.read_fitted(folder / name, (1, 6, 8))
