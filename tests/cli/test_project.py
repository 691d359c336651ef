from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FEW = ["--starts", 2, "--steps", 3]


@pytest.fixture
def drawn(sparring, pictures, small) -> str:
    """A run on pictures, and samples of it in `wanted/`."""
    assert sparring("train", pictures, *small, "--rounds", 1, "--out", "drawn").code == 0
    assert sparring("sample", "drawn", "--seeds", "300-302", "--out", "wanted").code == 0
    return "drawn"


def test_a_picture_stands_beside_its_nearest_sample_and_the_distance_is_told(sparring, drawn):
    said = sparring("project", drawn, "wanted/seed000300.png", *FEW)
    assert (said.code, said.out) == (0, "near.png\n")
    assert said.err.startswith("seed000300.png: ")
    assert "of 255 away" in said.err
    with Image.open("near.png") as image:
        assert image.size == (2 * 58 - 2, 56)
        left = np.asarray(image)[::7, :56:7]
    with Image.open("wanted/seed000300.png") as image:
        assert np.array_equal(left, np.asarray(image))


def test_the_noise_that_was_found_is_kept(sparring, drawn):
    assert sparring("project", drawn, "wanted", "--out", "near.npz", *FEW).code == 0
    found = np.load("near.npz")
    assert found["names"].tolist() == [f"seed{k:06d}.png" for k in (300, 301, 302)]
    assert (found["z"].shape, found["samples"].shape) == ((3, 4), (3, 8, 8, 1))
    gap = np.sqrt(np.square(found["samples"].astype(float) - found["pictures"]).mean((1, 2, 3)))
    assert np.allclose(gap, found["distances"], atol=1e-2)


def test_a_folder_of_pictures_becomes_a_folder_of_samples(sparring, drawn):
    Path("wanted/deep").mkdir()
    Path("wanted/seed000300.png").rename("wanted/deep/seed000301.png")
    Path("wanted/notes.txt").write_text("no picture")
    said = sparring("project", drawn, "wanted", "--out", "near", *FEW)
    assert said.code == 0
    assert "note: passed over files that are not pictures: 1 .txt" in said.err
    names = sorted(path.name for path in Path("near").iterdir())
    assert names == ["deep_seed000301.png", "seed000301.png", "seed000302.png"]


def test_a_picture_of_another_shape_is_fitted_and_that_is_told(sparring, drawn):
    Image.new("RGB", (40, 30), "red").save("red.png")
    said = sparring("project", drawn, "red.png", *FEW)
    assert said.code == 0
    assert "note: red.png is 30x40 RGB: fitted to 8x8 grey" in said.err


def test_the_search_can_be_watched(sparring, drawn):
    assert sparring("project", drawn, "wanted/seed000301.png", "--frames", "search.gif", *FEW).code == 0
    with Image.open("search.gif") as image:
        assert image.size == (2 * 58 - 2, 56)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere.png"], "nowhere.png does not exist"),
        (["pictures.npy"], "holds no pictures"),
        (["wanted/seed000300.png", "--out", "near.jpg"], "cannot write what was found as .jpg"),
        (["wanted/seed000300.png", "--out", "wanted"], "not empty"),
        (["wanted/seed000300.png", "--frames", "search.png"], "cannot write an animation as that"),
        (["wanted", "--frames", "search.gif"], "wanted has 3 pictures"),
        (["wanted/seed000300.png", "--class", "1"], "no classes"),
    ],
    ids=str,
)
def test_bad_words_are_refused(refused, drawn, words, says):
    refused("project", drawn, *words, says=says)


def test_points_are_refused(refused, trained):
    refused("project", trained, "points.npy", says="this run makes points, not pictures")


def test_translations_are_refused(refused, sparring, tmp_path):
    for domain in ("trainA", "trainB"):
        (tmp_path / "two" / domain).mkdir(parents=True)
        for k in range(12):
            picture = np.random.default_rng((k, len(domain))).integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(np.roll(picture, k if domain == "trainA" else -k)).save(f"two/{domain}/{k}.png")
    small = ["--set", "width=4", "--set", "depth=1", "--doctor", "off"]
    assert sparring("train", "two", "--recipe", "cyclegan", *small, "--rounds", 1, "--out", "run").code == 0
    says = "this run makes its samples from a, not from noise"
    refused("project", "run", "two/trainA/0.png", says=says)
    refused("explore", "run", "--walk", "0,1", says=says)
    refused("export", "run", "--out", "model", says=says)
