import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def points(tmp_path):
    rng = np.random.default_rng(0)
    angles = rng.integers(0, 8, 400) * np.pi / 4
    ring = np.stack([np.cos(angles), np.sin(angles)], 1) + rng.normal(0, 0.01, (400, 2))
    np.save(tmp_path / "ring.npy", ring.astype(np.float32))
    np.save(tmp_path / "half.npy", ring[angles < 3].astype(np.float32))
    np.save(tmp_path / "blob.npy", rng.normal(0, 3, (400, 2)).astype(np.float32))
    np.save(tmp_path / "nan.npy", np.where(np.arange(400)[:, None] == 7, np.nan, ring).astype(np.float32))
    np.save(tmp_path / "flat.npy", rng.normal(size=(400, 3)).astype(np.float32))


@pytest.mark.usefixtures("points")
def test_a_table_with_floors_and_a_verdict_on_copies(sparring):
    said = sparring("evaluate", "ring.npy", "--against", "ring", "--samples", 150)
    assert said.code == 0
    assert "150 samples on either side, identity features" in said.out
    rows = {line.split("  ")[0]: line for line in said.out.splitlines()}
    assert rows["modes"].split()[1:4] == ["8", "0", "8"]
    assert rows["Wasserstein"].endswith("as reals")
    assert "no sign of copying" in said.out


@pytest.mark.usefixtures("points")
def test_json_holds_everything_and_infinity_is_null(sparring):
    said = sparring("evaluate", "blob.npy", "--against", "ring", "--samples", 100, "--json")
    found = json.loads(said.out)
    assert found["provenance"]["reals"] == "ring"
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["judge"]["value"] > 0.8
    assert {"value", "spread", "floor", "floor_spread", "better", "n"} <= rows["Frechet"].keys()
    assert "Infinity" not in said.out


@pytest.mark.usefixtures("points")
def test_compare_ranks_and_says_which_differences_exceed_noise(sparring):
    said = sparring("compare", "blob.npy", "half.npy", "ring.npy", "--against", "ring", "--samples", 150)
    assert said.code == 0
    assert said.out.splitlines()[1].split() == ["ring.npy", "half.npy", "blob.npy", "reals"]
    assert "ring.npy and half.npy differ beyond noise: Frechet" in said.out
    assert "half.npy and blob.npy differ beyond noise: Frechet" in said.out
    assert ["memorisation", "no", "no", "no"] in [line.split() for line in said.out.splitlines()]


@pytest.mark.usefixtures("points")
def test_two_draws_of_the_same_do_not_differ_beyond_noise(sparring):
    np.save("again.npy", np.load("ring.npy")[::-1] + np.float32(0.001))
    said = sparring("compare", "again.npy", "ring.npy", "--against", "ring", "--samples", 150)
    assert " do not differ beyond noise: Frechet" in said.out


def test_the_closest_pairs_as_a_picture(sparring, tmp_path):
    rng = np.random.default_rng(0)
    np.save("reals.npy", rng.integers(0, 256, (300, 8, 8, 3), dtype=np.uint8))
    np.save("fakes.npy", rng.integers(0, 256, (100, 8, 8, 3), dtype=np.uint8))
    said = sparring("evaluate", "fakes.npy", "--against", "reals.npy", "--pairs", "closest.png")
    assert said.code == 0
    with Image.open(tmp_path / "closest.png") as sheet:
        assert sheet.size == (226, 230)  # eight pairs, two a row, seven times as large


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for name, mode, sides in (
        ("rgb", "RGB", [16]),
        ("grey", "L", [16]),
        ("rgba", "RGBA", [16]),
        ("mixed", "RGB", [16, 20]),
    ):
        (tmp_path / name).mkdir()
        for k in range(60):
            side, bands = sides[k % len(sides)], Image.new(mode, (1, 1)).getbands()
            pixels = rng.integers(0, 256, (side, 16, len(bands)), dtype=np.uint8).squeeze()
            Image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    (tmp_path / "corrupt").mkdir()
    (tmp_path / "corrupt" / "a.png").write_bytes(b"no picture")
    (tmp_path / "empty").mkdir()


@pytest.mark.usefixtures("folders")
def test_a_folder_of_mixed_sizes_is_scored_at_the_size_that_is_asked_for(sparring):
    said = sparring("evaluate", "mixed", "--against", "rgb", "--size", "16x16")
    assert said.code == 0
    assert "memorisation: no sign of copying" in said.out
    assert "note: only 6 reals were held out from training" in said.out


@pytest.mark.parametrize(
    ("generated", "says"),
    [
        ("mixed", "the pictures of mixed are of 2 sizes (--size HxW brings them to one)"),
        ("grey", "16x16 with 1 channel and reals of 16x16 with 3 channels do not compare"),
        ("rgba", "16x16 with 4 channels and reals of 16x16 with 3 channels do not compare"),
        ("corrupt", "corrupt has no readable picture"),
        ("empty", "empty is empty"),
    ],
)
@pytest.mark.usefixtures("folders")
def test_folders_that_do_not_compare_are_one_line_and_exit_code_2(sparring, generated, says):
    said = sparring("evaluate", generated, "--against", "rgb")
    assert said.code == 2
    assert says in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("evaluate", "ring.npy"), "is not a run: there are no reals to compare with (--against SOURCE)"),
        (("evaluate", "nowhere", "--against", "ring"), "nowhere"),
        (("evaluate", "flat.npy", "--against", "ring"), "samples of 3 dimensions and reals of 2 dimensions"),
        (("evaluate", "ring.npy", "--against", "ring", "--features", "random"), "not for points"),
        (("evaluate", "ring.npy", "--against", "ring", "--features", "identiti"), "did you mean identity"),
        (("evaluate", "ring.npy", "--against", "digits"), "do not compare"),
        (("evaluate", "nan.npy", "--against", "ring"), "2 values that are not finite"),
        (("evaluate", "ring.npy", "--against", "ring", "--pairs", "closest.png"), "--pairs needs pictures"),
        (("evaluate", "ring.npy", "--against", "ring", "--pairs", "closest.txt"), "cannot write a picture as .txt"),
        (("compare", "ring.npy", "--against", "ring"), "compares with nothing"),
        (("evaluate", "ring.npy", "--against", "ring", "--device", "tpu"), "no device 'tpu'"),
        (("compare", "ring.npy", "half.npy", "--against", "ring", "--device", "mps"), "no mps device here"),
    ],
)
@pytest.mark.usefixtures("points")
def test_wrong_requests_are_one_line_and_exit_code_2(sparring, words, says):
    said = sparring(*words)
    assert said.code == 2
    assert says in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(("words", "kept"), [((), True), (("--no-cache",), False)])
@pytest.mark.usefixtures("folders")
def test_features_of_reals_are_kept_unless_nobody_wants_them(sparring, tmp_path, monkeypatch, words, kept):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert sparring("evaluate", "rgb", "--against", "rgb", *words).code == 0
    assert (tmp_path / "cache").exists() == kept
