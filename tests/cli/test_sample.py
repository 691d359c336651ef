import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring import workflows


def read(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def drawn(sparring, pictures, small) -> str:
    """A run on pictures."""
    assert sparring("train", pictures, *small, "--rounds", 1, "--out", "drawn").code == 0
    return "drawn"


def test_the_files_path_is_the_only_line_on_stdout(sparring, drawn):
    said = sparring("sample", drawn)
    assert (said.code, said.out, said.err) == (0, "samples.png\n", "")
    assert read("samples.png").shape == (8 * 58 - 2, 8 * 58 - 2)


def test_samples_are_named_by_their_seeds(sparring, drawn):
    assert sparring("sample", drawn, "--seeds", "0-2,42", "-o", "folder").code == 0
    assert sorted(p.name for p in Path("folder").iterdir()) == [f"seed{k:06d}.png" for k in (0, 1, 2, 42)]
    assert sparring("sample", drawn, "--seeds", "42,7", "-o", "few.npz").code == 0
    few = np.load("few.npz")
    assert few["names"].tolist() == ["seed000042", "seed000007"]
    assert np.array_equal(few["samples"][0, :, :, 0], read("folder/seed000042.png"))


def test_n_is_the_first_n_seeds(sparring, drawn):
    assert sparring("sample", drawn, "-n", 5, "-o", "n.npy").code == 0
    assert sparring("sample", drawn, "--seeds", "0-4", "--out", "seeds.npy").code == 0
    assert np.array_equal(np.load("n.npy"), np.load("seeds.npy"))
    assert np.load("n.npy").shape == (5, 8, 8, 1)


def test_points_become_a_table_or_a_picture(sparring, trained):
    assert sparring("sample", trained, "-n", 5, "-o", "table").code == 0
    assert sparring("sample", trained, "-n", 5, "-o", "table.npy").code == 0
    with Path("table/samples.csv").open() as file:
        rows = [[float(value) for value in row] for row in csv.reader(file)]
    assert np.array_equal(np.array(rows, np.float32), np.load("table.npy"))
    assert sparring("sample", trained, "-n", 5, "-o", "scatter.png").code == 0
    assert read("scatter.png").shape == (480, 480, 3)


def test_truncation_is_passed_on(sparring, trained):
    assert sparring("sample", trained, "-n", 50, "-o", "wide.npy").code == 0
    assert sparring("sample", trained, "-n", 50, "-o", "narrow.npy", "--truncation", 0.1).code == 0
    assert np.array_equal(np.load("narrow.npy"), workflows.sample(trained, 50, truncation=0.1))
    assert not np.array_equal(np.load("narrow.npy"), np.load("wide.npy"))


def test_a_folder_is_made_for_the_file(sparring, trained):
    assert sparring("sample", trained, "-n", 1, "-o", "deep/down/one.npy").code == 0
    assert Path("deep/down/one.npy").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "nowhere is not a run"),
        (["run", "--seeds", "5-2"], "--seeds 5-2: not a list of seeds"),
        (["run", "--seeds", "a"], "not a list of seeds"),
        (["run", "--seeds", ""], "not a list of seeds"),
        (["run", "--seeds", "0-99999999999"], "--seeds"),
        (["run", "-n", 3, "--seeds", "1"], "-n and --seeds"),
        (["run", "-o", "samples.gif"], "cannot write points as .gif"),
        (["run", "-o", "points.npy/samples.npy"], "points.npy"),
        (["run", "-o", "points.npy/samples"], "points.npy"),
        (["run", "--device", "cuda:9"], "cuda"),
        (["run", "--device", "tpu"], "no device 'tpu'"),
    ],
    ids=str,
)
def test_bad_words_are_refused(refused, trained, monkeypatch, words, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused("sample", *words, says=says)


def test_a_run_without_a_checkpoint_is_refused(refused, trained):
    shutil.rmtree("run/checkpoints")
    refused("sample", "run", says="no checkpoint yet")


def test_a_config_that_is_not_a_runs_is_refused(refused, tmp_path):
    (tmp_path / "config.toml").write_text('[data]\nsource = "digits"\n')
    refused("sample", ".", says="config.toml")
    (tmp_path / "config.toml").write_text("[tool]\nname = 1\n")
    refused("sample", ".", says="config.toml")


def test_samples_are_not_put_among_other_files(refused, trained, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "real.png").touch()
    refused("sample", trained, "-n", 2, "--out", "photos", says="not empty")
