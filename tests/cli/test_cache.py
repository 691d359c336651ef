import numpy as np
import pytest
from PIL import Image

from sparring.data import cached


@pytest.fixture
def _kept(tmp_path, monkeypatch, sparring) -> None:
    monkeypatch.setattr(cached, "SLOW", 0.0)
    (tmp_path / "photos").mkdir()
    for i in range(4):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    assert sparring("inspect", "photos", "--sheet", "sheet.png").code == 0


@pytest.mark.usefixtures("_kept")
def test_what_is_kept_is_listed_and_removed(sparring, tmp_path):
    said = sparring("cache")
    assert (said.code, said.err) == (0, "")
    assert str(tmp_path / "photos") in said.out
    assert "of 20.0 GB (SPARRING_CACHE_GB)" in said.out
    said = sparring("cache", "--clear")
    assert (said.code, said.err) == (0, "")
    assert str(tmp_path / "photos") not in said.out
    assert not list(cached.root().iterdir())


def test_nothing_kept_is_no_error(sparring):
    said = sparring("cache", "--clear")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("removed 0.0 MB")


def test_a_bound_that_is_no_number_is_refused(refused, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE_GB", "lots")
    refused("cache", says="SPARRING_CACHE_GB = lots is no number of gigabytes")
