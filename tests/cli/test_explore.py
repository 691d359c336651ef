from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def read(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


@pytest.fixture
def drawn(sparring, pictures, small) -> str:
    """A run on pictures."""
    assert sparring("train", pictures, *small, "--rounds", 1, "--out", "drawn").code == 0
    return "drawn"


def test_a_walk_begins_at_the_sample_of_its_first_seed(sparring, drawn):
    said = sparring("explore", drawn, "--walk", "0,7,12", "--frames", 6)
    assert (said.code, said.out, said.err) == (0, "walk.gif\n", "")
    assert sparring("explore", drawn, "--walk", "0,7,12", "--frames", 6, "--out", "walk").code == 0
    assert sparring("sample", drawn, "--seeds", "0,7,12", "--out", "samples").code == 0
    assert sparring("sample", drawn, "--seeds", "0", "--out", "sample.png").code == 0
    assert np.array_equal(read("walk.gif"), read("sample.png"))
    for frame, seed in ((0, 0), (2, 7), (4, 12)):
        assert np.array_equal(read(f"walk/frame{frame:06d}.png"), read(f"samples/seed{seed:06d}.png"))
    assert len(list(Path("walk").iterdir())) == 6


@pytest.mark.parametrize(
    ("words", "out", "rows", "columns", "says"),
    [
        (["--grid", "0,7,12,3", "--steps", 3], "grid.png", 3, 3, "corners: seeds 0, 7 above 12, 3"),
        (["--directions", 2], "directions.png", 2, 7, "directions 1 to 2 by sefa"),
        (["--directions", 2, "--by", "activations", "--steps", 4, "--seeds", 3], "directions.png", 2, 4, "activations"),
        (["--truncate", "0.3..1.2", "--seeds", "0-2"], "truncate.png", 3, 8, "truncation from 0.3 to 1.2"),
    ],
    ids=str,
)
def test_a_sheet_says_what_its_rows_and_columns_are(sparring, drawn, words, out, rows, columns, says):
    said = sparring("explore", drawn, *words)
    assert (said.code, said.out) == (0, f"{out}\n")
    assert says in said.err
    assert read(out).shape == (rows * 58 - 2, columns * 58 - 2)


def test_codes_are_swept(sparring, pictures, small):
    words = ["train", pictures, *small, "--rounds", 1, "--recipe", "infogan", "--set", "categories=3", "--out", "run"]
    assert sparring(*words).code == 0
    said = sparring("explore", "run", "--sweep", "code", "--steps", 5)
    assert said.code == 0, said
    assert "rows: category 0 to 2; columns: value1" in said.err
    assert read("sweep.png").shape == (3 * 58 - 2, 5 * 58 - 2)


def test_styles_are_mixed(sparring, refused, pictures, small, drawn):
    assert sparring("train", pictures, *small, "--rounds", 1, "--recipe", "stylegan2", "--out", "run").code == 0
    said = sparring("explore", "run", "--mix", "1,2x7-9", "--layer", 2)
    assert (said.code, said.out) == (0, "mix.png\n")
    assert "rows: layers 1 to 2 of seeds 1, 2; columns: the others of seeds 7, 8, 9" in said.err
    assert read("mix.png").shape == (3 * 58 - 2, 4 * 58 - 2)
    refused("explore", "run", "--mix", "1x2", "--layer", 9, says="the generator has")
    refused("explore", drawn, "--mix", "1x2", says="no styles")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--mix", "1,2"], "--mix 1,2: not two lists of seeds"),
        (["--mix", "1xa"], "--mix a: not a list of seeds"),
        (["--mix", "1x2", "--seeds", "3"], "--mix has seeds of its own"),
        ([], "nothing to show was asked for"),
        (["--walk", "0,1", "--directions", 2], "--walk and --directions were given"),
        (["--walk", "0"], "a walk of one seed goes nowhere"),
        (["--walk", "0,a"], "--walk 0,a: not a list of seeds"),
        (["--walk", ""], "--walk : not a list of seeds"),
        (["--walk", "0-9", "--frames", 5], "5 frames are too few"),
        (["--walk", "0,1", "--seeds", "3"], "--walk has seeds of its own"),
        (["--walk", "0,1", "--out", "walk.avi"], "cannot write an animation as .avi"),
        (["--grid", "0,1,2"], "a grid has four corners, not 3"),
        (["--grid", "x"], "--grid x: not a list of seeds"),
        (["--grid", "0-3", "--out", "grid.gif"], "cannot write pictures as .gif"),
        (["--directions", 5], "5 directions of noise with 4 dimensions"),
        (["--directions", 2, "--by", "magic"], "not found by magic"),
        (["--directions", 2, "--seeds", "0-3"], "--directions begins at one seed"),
        (["--sweep", "code"], "no codes to sweep over"),
        (["--truncate", "1.2..0.3"], "--truncate 1.2..0.3: not a span"),
        (["--truncate", ""], "--truncate : not a span"),
        (["--walk", "0,1", "--class", "3"], "no classes to choose from"),
        (["--walk", "0,1", "--checkpoint", "9"], "no checkpoint 9"),
        (["--page", "page.txt"], "cannot write a page as .txt"),
        (["--page", "page.html", "--out", "out.html"], "--page and --out were given"),
        (["--film", "growth.gif", "--out", "out.gif"], "--film and --out were given"),
        (["--film", "growth.gif", "--seeds", "3"], "--film has seeds of its own"),
        (["--film", "growth.avi"], "cannot write an animation as .avi"),
        (["--film", "growth"], "cannot write an animation without an ending"),
        (["--page", "page.html", "--seeds", "0-3"], "--page begins at one seed, not 4"),
        (["--page", "page.html", "--seeds", "1000"], "a page has the seeds 0 to 999"),
        (["--page", "page.html", "--by", "magic"], "not found by magic"),
        (["--page", "page.html", "--class", "3"], "no classes to choose from"),
        (["--page", "page.html", "--runtime", "nowhere"], "nowhere is not the npm package onnxruntime-web"),
    ],
    ids=str,
)
def test_bad_words_are_refused(refused, drawn, words, says):
    refused("explore", drawn, *words, says=says)


@pytest.mark.parametrize("recipe", ["progressive", "gan"])
def test_a_film_shows_each_sheet_in_its_turn(sparring, pictures, points, small, recipe):
    source = pictures if recipe == "progressive" else points
    words = ["--recipe", recipe, "--rounds", 4, "--set", "sample_every=1", "--out", "run"]
    assert sparring("train", source, *small, *words).code == 0
    Path("run/samples/000002.png").write_bytes(b"cut short")
    said = sparring("explore", "run", "--film", "growth.gif", "--rate", 4)
    assert (said.code, said.out, said.err) == (0, "growth.gif\n", "")
    sheets = [path for path in sorted(Path("run/samples").glob("*.png")) if path.stem != "000002"]
    with Image.open("growth.gif") as film:
        assert film.n_frames == len(sheets) >= 3
        for k, path in enumerate(sheets):
            film.seek(k)
            sheet, frame = (np.asarray(Image.open(path).convert("RGB")), np.asarray(film.convert("RGB")))
            assert frame.shape == (sheet.shape[0] + 24, *sheet.shape[1:])
            assert np.abs(frame[:-24].astype(int) - sheet).mean() < 8  # a .gif has 256 colours
            assert frame[-24:].min() < 100  # a caption
            assert film.info["duration"] == (2250 if k == len(sheets) - 1 else 250)


def test_a_film_of_one_sheet_is_none(refused, drawn):
    Path(drawn, "samples/000001.png").unlink()
    refused("explore", drawn, "--film", "growth.gif", says="readable sheets: 1. A film needs two or more")


def test_points_are_refused(refused, trained):
    refused("explore", trained, "--walk", "0,1", says="this run makes points, of which one alone shows nothing")
    refused("explore", trained, "--grid", "0-3", says="this run makes points")
    refused("explore", trained, "--page", "page.html", says="this run makes points")
