import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

THINGS = 24


@pytest.fixture
def drawings(tmp_path) -> tuple[str, str]:
    """Things in two drawings, of the same names."""
    for style in (0, 1):
        folder = tmp_path / "ab"[style]
        folder.mkdir()
        for thing in range(THINGS):
            picture = np.random.default_rng(thing).integers(0, 128, (8, 8, 3), dtype=np.uint8) + 100 * style
            Image.fromarray(picture.astype(np.uint8)).save(folder / f"{thing:02}.png")
    return "a", "b"


@pytest.fixture
def small() -> list[object]:
    return ["--rounds", 1, "--doctor", "off", "--set", "width=4", "--batch", 2, "--out", "run"]


@pytest.fixture
def translating(sparring, drawings, small) -> str:
    said = sparring("train", "--a", "a", "--b", "b", "-r", "cyclegan", "--set", "depth=1", *small)
    assert said.code == 0, said.err
    return "run"


@pytest.fixture
def mine(tmp_path) -> str:
    """Pictures of a user's own: large, grey, with alpha, and of sides that the network does not take."""
    rng = np.random.default_rng(0)
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    for name, shape in (("wide.jpg", (12, 20, 3)), ("grey.png", (9, 13)), ("deep/clear.png", (10, 10, 4))):
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / "mine" / name)
    return "mine"


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def test_all_pictures_come_out_under_their_names_and_at_their_sizes(sparring, translating, mine, tmp_path):
    said = sparring("translate", translating, mine, "--out", "out")
    assert (said.code, said.out) == (0, "out\n")
    made = {str(path.relative_to(tmp_path / "out")): opened(path) for path in (tmp_path / "out").rglob("*.*")}
    found = {name: (image.size, image.mode) for name, image in made.items()}
    assert found == {
        "wide.png": ((20, 12), "RGB"),
        "grey.png": ((13, 9), "RGB"),
        "deep/clear.png": ((10, 10), "RGBA"),
    }
    given = opened(tmp_path / "mine" / "deep" / "clear.png")
    assert np.array_equal(np.asarray(made["deep/clear.png"])[..., 3], np.asarray(given)[..., 3])
    assert "3 pictures" in said.err
    assert "--fit" in said.err
    assert sparring("translate", translating, mine, "--out", "fitted", "--fit").code == 0
    assert {opened(path).size for path in (tmp_path / "fitted").rglob("*.*")} == {(8, 8)}


def test_no_data_is_needed_and_a_picture_is_the_same_alone(sparring, translating, mine, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).rename(tmp_path / f"gone-{folder}")
    assert sparring("translate", translating, mine, "--out", "out").code == 0
    assert sparring("translate", translating, "mine/grey.png", "--out", "one.png").code == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "out" / "grey.png").read_bytes()
    assert sparring("translate", translating, mine, "--out", "back", "--reverse").code == 0
    assert (tmp_path / "back" / "grey.png").read_bytes() != (tmp_path / "one.png").read_bytes()


def test_beside_what_was_given(sparring, translating, mine, tmp_path):
    assert sparring("translate", translating, "mine/wide.jpg", "--beside", "--out", "out.png").code == 0
    both, given = opened(tmp_path / "out.png"), opened(tmp_path / "mine" / "wide.jpg")
    assert both.size == (42, 12)
    assert np.array_equal(np.asarray(both)[:, :20], np.asarray(given))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "nowhere"], "nowhere does not exist"),
        (["run", "mine", "--seeds", "0-3"], "no noise"),
        (["run", "mine", "--class", "cat"], "no classes"),
        (["run", "mine", "--out", "mine/out"], "lies among the pictures"),
        (["run", "mine", "--out", "mine"], "lies among the pictures"),
        (["run", "mine", "--out", "full"], "not empty"),
        (["run", "mine", "--out", "out.png"], "is one file"),
        (["run", "mine", "--out", "out.jpg"], "cannot write pictures as .jpg"),
        (["run", "mine/wide.jpg", "--out", "mine/wide.jpg"], "mine/wide.jpg"),
        (["run", "tiny.png"], "3x3 pixels, smaller than 4x4"),
        (["run", "words"], "words holds no pictures"),
        (["run", "mine", "--device", "cdua"], "did you mean cuda?"),
    ],
    ids=str,
)
def test_what_cannot_be_translated_is_refused(refused, translating, mine, tmp_path, words, says):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").write_text("words")
    Image.new("RGB", (3, 3)).save(tmp_path / "tiny.png")
    refused("translate", *words, says=says)


def test_a_run_of_noise_translates_nothing(refused, trained, mine):
    refused("translate", trained, mine, says="not from pictures")


def test_translations_are_shown_and_scored_beside_their_partners(sparring, drawings, small, tmp_path):
    """Also of unpaired domains whose files have the same names."""
    for style in "ab":
        for thing in range(THINGS, 60):
            picture = np.random.default_rng(thing).integers(0, 128, (8, 8, 3), dtype=np.uint8) + 100 * (style == "b")
            Image.fromarray(picture.astype(np.uint8)).save(tmp_path / style / f"{thing:02}.png")
    as_it_goes = ["--evaluate-every", 1, "--set", "evaluate_samples=20"]
    said = sparring("train", "--a", "a", "--b", "b", "-r", "cyclegan", "--set", "depth=1", *as_it_goes, *small)
    assert said.code == 0, said.err
    assert "partners' L1" in said.err
    assert "60 files of a (60) and b (60) have one name" in said.err
    few = load_file(max((tmp_path / "run" / "samples").glob("*.safetensors")))
    assert {name: len(rows) for name, rows in few.items()} == {"given.a": 6, "samples": 6, "truth": 6}
    assert torch.equal(few["truth"].int(), few["given.a"].int() + 100)
    with Image.open(max((tmp_path / "run" / "samples").glob("*.png"))) as sheet:
        # in two columns, seven times as large: what is given, made, comes back, and ought to be
        assert sheet.size == (2 * 7 * (4 * 8 + 3 * 2) + 10, 3 * 7 * 8 + 2 * 10)
    said = sparring("evaluate", "run", "--samples", 20)
    assert said.code == 0, said.err
    for word in ("beside its partner", "L1", "PSNR", "retrieval"):
        assert word in said.out
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    going, after = (json.loads(line)["partners"] for line in lines)
    figures = {each["name"]: each for each in after}
    assert {each["n"] for each in going + after} == {6}
    for each in going:
        assert each["value"] == pytest.approx(figures[each["name"]]["value"])
    # b is a and 100 more
    assert figures["L1"]["identity"] == pytest.approx(100 / 255)
    assert figures["PSNR"]["identity"] == pytest.approx(20 * np.log10(2.55), abs=1e-3)
    assert sparring("report", "run").code == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "The same pictures, round by round" in page
    assert "beside its partner" in page


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--a", "a", "-r", "cyclegan"], "--b is missing"),
        (["a", "--a", "a", "--b", "b"], "a was given beside --a and --b"),
        (["--a", "a", "--b", "empty", "-r", "cyclegan"], "empty is empty"),
        (["--a", "a", "--b", "nowhere", "-r", "cyclegan"], "nowhere does not exist (a folder or zip of pictures)"),
        (["a", "-r", "pix2pix"], "pix2pix needs pairs (--a DIR --b DIR"),
        (["a", "-r", "pix2pix", "--set", "swap=true"], "no two to swap"),
        (["a", "-r", "pix2pix", "--pairs", "halves"], "--pairs halves: no way to find pairs"),
        (["--a", "a", "--b", "b"], "the data is of two kinds"),
        (["--a", "a", "--b", "b", "-r", "cyclegan", "--set", "data.pairs=names"], "odd.png"),
        (["a", "-r", "cyclegan", "--pairs", "side-by-side"], "is 9 pixels wide: an odd number has no halves"),
        (["--a", "a", "--b", "b", "-r", "cyclegan", "--set", "size_a=16x16"], "cyclegan needs pictures of one size"),
        (["--a", "a", "--b", "b", "-r", "cyclegan", "--set", "pairs=some"], "pairs"),
    ],
    ids=str,
)
def test_two_domains_that_cannot_be_trained_on_are_refused(refused, drawings, small, tmp_path, words, says):
    Image.new("RGB", (9, 8)).save(tmp_path / "a" / "odd.png")
    (tmp_path / "empty").mkdir()
    refused("train", *words, *small, says=says)


def test_a_run_of_two_folders_goes_on_where_they_moved(sparring, refused, translating, tmp_path):
    assert sparring("train", "--resume", translating, "--rounds", 1).code == 0
    (tmp_path / "b").rename(tmp_path / "moved")
    said = refused("train", "--resume", translating, "--rounds", 1, says="b any more")
    assert "--a NEWPLACE --b NEWPLACE" in said.err
    assert sparring("train", "--resume", translating, "--a", "a", "--b", "moved", "--rounds", 1).code == 0
    assert sparring("train", "--resume", translating, "--rounds", 1).code == 0
