from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring as library
from sparring.workflows import sampler


@pytest.fixture
def encoded(sparring, pictures, small) -> str:
    """A run with an encoder, and samples of it in `wanted/`."""
    words = ["train", pictures, *small, "--rounds", 1, "--recipe", "bigan", "--out", "run"]
    assert sparring(*words).code == 0
    assert sparring("sample", "run", "--seeds", "300-302", "--out", "wanted").code == 0
    return "run"


def test_codes_are_those_that_python_gives_in_the_order_of_names(sparring, encoded):
    said = sparring("encode", encoded, "wanted", "--out", "codes.npy")
    assert (said.code, said.out, said.err) == (0, "codes.npy\n", "")
    codes = np.load("codes.npy")
    assert codes.shape == (3, 4)
    run = library.Run("run")
    assert np.array_equal(codes, run.encode(run.sample(seeds=[300, 301, 302])))
    assert sparring("encode", encoded, "wanted/seed000301.png", "--out", "one.npz").code == 0
    one = np.load("one.npz")
    assert one["names"].tolist() == ["seed000301.png"]
    assert np.array_equal(one["z"], codes[1:2])


def test_a_reconstruction_is_the_sample_of_its_code_and_its_distance_is_told(sparring, encoded):
    said = sparring("reconstruct", encoded, "wanted", "--out", "again.npz")
    assert (said.code, said.out) == (0, "again.npz\n")
    assert said.err.startswith("3 pictures: ")
    found = np.load("again.npz")
    gap = np.sqrt(np.square(found["samples"].astype(float) - found["pictures"]).mean((1, 2, 3)))
    assert np.allclose(gap, found["distances"], atol=1e-3)
    run = library.Run("run")
    assert np.array_equal(found["samples"], run.reconstruct(found["pictures"]))
    ready = sampler("run")
    made = ready.made_from(torch.from_numpy(found["z"]), {})
    assert np.array_equal(ready.kind.to_array(made), found["samples"])


def test_a_folder_of_reconstructions_is_named_after_the_pictures(sparring, encoded):
    Image.new("RGB", (40, 30), "red").save("wanted/red.png")
    said = sparring("reconstruct", encoded, "wanted", "--out", "again")
    assert said.code == 0
    assert "note: red.png is 30x40 RGB: fitted to 8x8 grey" in said.err
    names = sorted(path.name for path in Path("again").iterdir())
    assert names == ["red.png", "seed000300.png", "seed000301.png", "seed000302.png"]
    assert sparring("reconstruct", encoded, "wanted/red.png").out == "reconstructed.png\n"
    with Image.open("reconstructed.png") as image:
        assert image.size == (2 * 58 - 2, 56)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["encode", "nowhere.png"], "nowhere.png does not exist"),
        (["encode", "wanted", "--out", "codes.csv"], "cannot write codes as .csv"),
        (["reconstruct", "wanted", "--out", "again.npy"], "cannot write pictures as .npy"),
        (["reconstruct", "wanted", "--out", "wanted"], "not empty"),
        (["reconstruct", "pictures.npy"], "holds no pictures"),
    ],
    ids=str,
)
def test_bad_words_are_refused(refused, encoded, words, says):
    command, *others = words
    refused(command, encoded, *others, says=says)


@pytest.mark.parametrize("command", ["encode", "reconstruct"])
def test_a_run_without_an_encoder_is_sent_to_project(refused, trained, command):
    said = refused(command, trained, "points.npy", says="this run has no encoder")
    assert "sparring project" in said.err


def test_examples_of_another_shape_are_refused(encoded):
    run = library.Run("run")
    for wrong in (np.zeros((2, 9, 8, 1), np.uint8), np.zeros((2, 8, 8, 1)), np.zeros((0, 8, 8, 1), np.uint8)):
        with pytest.raises(library.UserError, match=r"uint8 of \(N, 8, 8, 1\)"):
            run.encode(wrong)


def test_points_go_there_and_back(sparring, points, small):
    assert sparring("train", points, *small, "--rounds", 1, "--recipe", "aae", "--out", "run").code == 0
    run = library.Run("run")
    x = np.load(points)
    assert run.encode(x).shape == (60, 4)
    assert run.reconstruct(x).shape == x.shape
    assert np.array_equal(run.encode(x)[7:8], run.encode(x[7:8]))
