import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring as package
from sparring.runs import RunDir

SRC = Path(package.__file__).parents[1]
COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[\d;]*m")


def bare(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Code in a process of its own, that has not imported torch."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


# --- sources ---


@pytest.fixture
def sources(tmp_path) -> Path:
    """One of each that cannot be trained on."""
    rng = np.random.default_rng(0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "corrupt").mkdir()
    for k in range(3):
        (tmp_path / "corrupt" / f"{k}.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (tmp_path / "single").mkdir()
    Image.new("L", (8, 8), 5).save(tmp_path / "single" / "one.png")
    broken = rng.normal(size=(30, 2)).astype(np.float32)
    broken[7, 1] = np.nan
    np.save(tmp_path / "nan.npy", broken)
    np.save(tmp_path / "none.npy", np.zeros((0, 8, 8), np.uint8))
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "wide.npy", rng.normal(size=(9, 8, 8)).astype(np.float32) * 100)
    np.save(tmp_path / "same.npy", np.zeros((9, 8, 8), np.uint8))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "same.npy").read_bytes()[:200])
    (tmp_path / "fake.zip").write_bytes(b"PK no")
    (tmp_path / "notes.txt").write_text("words")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("nowhere", "nowhere does not exist"),
        ("digts", "did you mean digits?"),
        ("empty", "empty"),
        ("corrupt", "corrupt"),
        ("single", "one single example"),
        ("nan.npy", "1 values that are not finite in float32, the first at index (7, 1)"),
        ("none.npy", "holds no examples"),
        ("pickled.npy", "pickled objects"),
        ("wide.npy", "wide.npy has pictures from"),
        ("same.npy", "are the same"),
        ("cut.npy", "not a readable NumPy file"),
        ("fake.zip", "fake.zip"),
        ("notes.txt", "of a type that cannot be read"),
        ("a:smile:b", "a:smile:b does not exist"),
        ("a[red]b", "a[red]b does not exist"),
    ],
)
def test_a_source_that_cannot_be_trained_on(refused, sources, source, says):
    refused("train", source, "--rounds", 1, says=says)


def test_an_empty_source_is_not_the_folder_one_happens_to_be_in(refused, pictures):
    Image.new("L", (8, 8), 5).save("one.png")
    Image.new("L", (8, 8), 6).save("two.png")
    refused("train", "", "--rounds", 1, says="no data")


def test_no_source_at_all(refused):
    refused("train", "--rounds", 1, says="no data was given")


def test_points_have_no_size(refused, points):
    refused("train", points, "--size", "8x8", "--rounds", 1, says="holds points")


# --- options ---


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--recipe", "wgan-pg"], "did you mean wgan-gp?"),
        (["--recipe", "custom"], "no recipe named 'custom'"),
        (["--recipe", ""], "no recipe named ''"),
        (["--set", "widht=4"], "there is no option 'widht' (did you mean width?)"),
        (["--set", "chekpoint_every=4"], "did you mean checkpoint_every?"),
        (["--set", "width"], "--set width: expected key=value"),
        (["--set", "=4"], "expected key=value"),
        (["--set", "width=wide"], "width = 'wide'"),
        (["--set", "width=0"], "width = 0"),
        (["--set", "lr=nan"], "lr"),
        (["--set", "lr=inf"], "lr"),
        (["--set", "options=3"], "options"),
        (["--set", "data=3"], "data"),
        (["--set", "budget=3"], "budget"),
        (["--set", "keep=0"], "keep = 0"),
        (["--set", "log_every=often"], "log_every = 'often' is not a period"),
        (["--set", "sample_every=0s"], "sample_every = '0s' is not a period"),
        (["--set", "checkpoint_every=-1"], "checkpoint_every"),
        (["--set", "precision=half"], "precision = 'half'"),
        (["--size", "axb"], "--size axb: not a size"),
        (["--size", "0x8"], "--size 0x8: not a size"),
        (["--size", "8x8x8"], "--size 8x8x8: not a size"),
        (["--channels", 2], "--channels 2: not a number of channels"),
        (["--images", "many"], "--images many: not a number of images"),
        (["--images", "0"], "--images 0: not a number of images"),
        (["--images", "-5"], "--images -5: not a number of images"),
        (["--rounds", 0], "rounds = 0"),
        (["--minutes", "nan"], "minutes"),
        (["--minutes", "inf"], "minutes"),
        (["--epochs", -1], "epochs"),
        (["--batch", 0], "batch = 0"),
        (["--seed", -1], "seed = -1"),
        (["--device", "cuda"], "there is no cuda device here (--device cpu"),
        (["--device", "cdua"], "did you mean cuda?"),
        (["--device", "cpu:abc"], "cpu:abc"),
        (["--config", "nowhere.toml"], "nowhere.toml does not exist"),
        (["--config", "bad.toml"], "bad.toml cannot be read as TOML"),
        (["--config", "numbers.toml"], "data"),
        (["--config", "unknown.toml"], "did you mean recipe?"),
        (["--config", "."], "cannot be read as TOML"),
        (["--out", "file"], "--out file is a file"),
        (["--out", "full"], "--out full is not empty"),
        (["--recipe", "cyclegan"], "cyclegan needs two kinds of pictures"),
        (["--recipe", "gan", "--batch", 1], "a batch of one"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be(refused, pictures, tmp_path, monkeypatch, words, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (tmp_path / "bad.toml").write_text("recipe =\n")
    (tmp_path / "numbers.toml").write_text("data = 3\n")
    (tmp_path / "unknown.toml").write_text('recpie = "gan"\n')
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    budget = [] if words[0] in ("--rounds", "--images", "--minutes", "--epochs") else ["--rounds", 1]
    refused("train", pictures, *budget, *words, says=says)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "points.npy", "--bogus"], "--bogus"),
        (["train", "points.npy", "--round", "3"], "--rounds"),
        (["train", "points.npy", "--rounds", "x"], "--rounds"),
        (["train", "points.npy", "more"], "more"),
        (["trian", "points.npy"], "train"),
        (["sample"], "run"),
        (["sample", "run", "-n", "0"], "-n"),
        (["sample", "run", "--truncation", "-1"], "--truncation"),
    ],
    ids=str,
)
def test_words_that_are_not_the_commands(refused, points, words, says):
    refused(*words, says=says)


def test_two_kinds_of_pictures_are_refused_by_a_recipe_of_one(refused, small, tmp_path):
    for domain in ("trainA", "trainB"):
        (tmp_path / "ab" / domain).mkdir(parents=True)
        for k in range(4):
            Image.new("L", (8, 8), 10 * k + len(domain)).save(tmp_path / "ab" / domain / f"{k}.png")
    refused("train", "ab", *small, "--rounds", 1, says="cyclegan")


def test_points_take_an_mlp_whatever_the_recipes_network(sparring, points, small):
    said = sparring("train", points, *small, "--rounds", 1, "-r", "dcgan", "--dry-run")
    assert said.code == 0
    assert "G: MLPGenerator" in said.out


# --- runs ---


@pytest.mark.parametrize("recipe", ["gan", "wgan"])
def test_a_run_directory_is_never_overwritten(refused, trained, points, small, recipe):
    words = ["train", points, *small, "--rounds", 2, "--recipe", recipe, "--out", trained]
    said = refused(*words, says="run holds a run already")
    assert "--resume run" in said.err


def test_what_is_not_a_run_cannot_be_resumed(refused, trained, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "config.toml").write_text("[tool]\nname = 3\n")
    refused("train", "--resume", "nowhere", says="nowhere is not a run")
    refused("train", "--resume", "folder", says="folder is not a run")
    refused("train", "--resume", "points.npy", says="points.npy is not a run")
    refused("train", "--resume", "project", says="config.toml")


@pytest.mark.parametrize(
    "words",
    [
        ["--recipe", "wgan"],
        ["--out", "other"],
        ["--set", "lr=1"],
        ["--config", "run/config.toml"],
        ["--size", "8x8"],
        ["--channels", "1"],
        ["--mirror"],
        ["--batch", "5"],
        ["--seed", "1"],
        ["--device", "cpu"],
    ],
    ids=lambda words: words[0],
)
def test_a_resumed_run_cannot_be_changed(refused, trained, words):
    refused("train", "--resume", trained, "--rounds", 1, *words, says=f"{words[0]} cannot change when a run is resumed")


def test_a_run_that_is_over_says_how_to_go_on(refused, trained):
    refused("train", "--resume", trained, says="has used up its budget (go on with --minutes")


def test_a_run_whose_data_has_changed_is_refused(refused, trained, points):
    np.save(points, np.load(points)[:-1])
    refused("train", "--resume", trained, "--rounds", 1, says="has changed since the run began")
    Path(points).unlink()
    refused("train", "--resume", trained, "--rounds", 1, says="any more (if it has moved: sparring train NEWPLACE")


@pytest.mark.parametrize("name", ["networks.safetensors", "state.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_checkpoint_is_refused(refused, trained, name, damage):
    path = Path(trained, "checkpoints", "000002", name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    if damage == "altered":
        path.write_bytes(content)
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
    # a byte of the record may be a byte of another file's digest
    says = "run/checkpoints/000002/" + (name if (name, damage) != ("state.json", "altered") else "")
    refused("train", "--resume", trained, "--rounds", 1, says=says)
    if name != "state.safetensors":
        refused("sample", trained, says=says)


def test_a_checkpoint_of_another_recipe_is_refused(refused, sparring, trained, points, small):
    assert sparring("train", points, *small, "--rounds", 2, "--recipe", "wgan", "--out", "other").code == 0
    shutil.rmtree("run/checkpoints")
    shutil.copytree("other/checkpoints", "run/checkpoints")
    says = "is a checkpoint of wgan, not of gan"
    refused("train", "--resume", trained, "--rounds", 1, says=says)
    refused("sample", trained, says=says)


def test_a_checkpoint_of_other_networks_is_refused(refused, trained):
    config = Path(trained, "config.toml")
    config.write_text(config.read_text().replace("width = 4", "width = 5"))
    refused("train", "--resume", trained, "--rounds", 1, says="holds other networks than the config describes")
    refused("sample", trained, says="holds other networks than the config describes")


# --- the disk ---


def test_a_place_that_cannot_be_written_to_ends_a_run_in_one_line(sparring, points, small, tmp_path):
    (tmp_path / "file").write_text("")
    said = sparring("train", points, *small, "--rounds", 1, "--out", "file/run")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[-1] == "error: cannot write file/run: Not a directory (is the folder writable?)"


def full(*args: object, **named: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("owner", "method"),
    [(os, "fsync"), (RunDir, "append"), (Image.Image, "save"), (Path, "write_text"), (Path, "mkdir")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_full_disk_ends_a_run_in_one_line(sparring, points, small, monkeypatch, owner, method):
    monkeypatch.setattr(owner, method, full)
    said = sparring(
        "train",
        points,
        *small,
        "--rounds",
        9,
        "--out",
        "run",
        "--set",
        'checkpoint_every="1"',
        "--set",
        'log_every="1"',
    )
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[-1].startswith("error: no space left to write run")
    assert "Traceback" not in said.err
    assert not list(Path("run").rglob("*.part"))
    assert not list(Path("run").glob("checkpoints/*"))


def test_a_full_disk_costs_no_earlier_checkpoint(sparring, trained, monkeypatch):
    before = {path: path.read_bytes() for path in Path("run/checkpoints").rglob("*.*")}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = sparring("train", "--resume", trained, "--rounds", 3)
    assert (said.code, said.out) == (2, "")
    assert "no space left to write run/checkpoints/000005" in said.err
    assert {path: path.read_bytes() for path in Path("run/checkpoints").rglob("*.*")} == before
    # there is space again
    assert sparring("train", "--resume", trained, "--rounds", 3).code == 0
    assert sorted(path.name for path in Path("run/checkpoints").iterdir()) == ["000002", "000005"]


@pytest.mark.parametrize("out", ["samples.npy", "samples.npz", "samples.png", "samples"])
def test_a_full_disk_ends_sampling_in_one_line(sparring, trained, monkeypatch, out):
    for owner, name in ((np, "save"), (np, "savez_compressed"), (np, "savetxt"), (Image.Image, "save")):
        monkeypatch.setattr(owner, name, full)
    said = sparring("sample", trained, "-o", out)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert "space" in said.err
    assert said.err.count("\n") == 1


# --- the streams ---


def test_help_and_import_do_not_wait_for_torch():
    code = """
import sys
import sparring
assert sparring.__version__ and "train" in dir(sparring)
from sparring.cli import main
for words in (["--help"], ["train", "--help"], ["sample", "-h"], ["--version"]):
    sys.argv = ["sparring", *words]
    try:
        main()
    except SystemExit as ended:
        print(words, ended.code, file=sys.stderr)
heavy = {"torch", "numpy", "scipy", "PIL"} & sys.modules.keys()
print(sorted(heavy), file=sys.stderr)
"""
    done = bare(code)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "['--help'] 0" in done.stderr
    torch_free = done.stderr.splitlines()[-1]
    assert "torch" not in torch_free, torch_free
    assert "Usage: sparring" in done.stdout
    assert package.__version__ in done.stdout


def test_help_covers_every_command(sparring):
    said = sparring("--help")
    assert (said.code, said.err) == (0, "")
    for command in ("train", "sample", "inspect", "recipes"):
        assert re.search(rf"\b{command}\b", said.out)
        of_command = sparring(command, "--help")
        assert of_command.code == 0
        assert f"sparring {command}" in of_command.out


def test_no_color_is_obeyed(sparring, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert COLOUR.search(sparring("train", "nowhere").err)
    assert COLOUR.search(sparring("train", "--help").out + sparring("train", "--bogus").err)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(sparring("train", "nowhere").err)
    assert not COLOUR.search(sparring("train", "--help").out + sparring("train", "--bogus").err)


def test_no_color_is_obeyed_by_the_display_of_a_run(sparring, points, small, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    words = ["train", points, *small, "--rounds", 2]
    assert COLOUR.search(sparring(*words, "--out", "bright").err)
    monkeypatch.setenv("NO_COLOR", "1")
    said = sparring(*words, "--out", "plain")
    assert not COLOUR.search(said.err)
    assert said.out == "plain\n"


def test_nothing_is_coloured_where_there_is_no_terminal(sparring, points, small):
    said = sparring("train", points, *small, "--rounds", 1, "--out", "run")
    assert "\x1b" not in said.err + said.out + sparring("train", "nowhere").err


def test_a_long_error_is_still_one_line(refused, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    refused("train", "no/" * 60 + "where", says="no/" * 60 + "where does not exist")


def test_a_log_line_can_be_read_by_machines(sparring, trained):
    for line in Path(trained, "log.jsonl").read_text().splitlines():
        assert {"kind", "round", "images", "seconds", "terms"} <= json.loads(line).keys()


# --- names ---


@pytest.mark.parametrize("words", [["caf\udce9.npy"], ["points.npy", "--out", "r\udce9"]], ids=["source", "out"])
def test_a_path_that_is_not_utf8_is_refused_before_anything_is_written(refused, points, tmp_path, words):
    try:
        shutil.copy(points, tmp_path / "caf\udce9.npy")
    except (OSError, UnicodeEncodeError):
        pytest.skip("the file system takes no such name")
    refused("train", *words, "--rounds", 1, says="UTF-8")


def test_a_name_of_two_lines_makes_no_second_line(sparring, points, small, tmp_path):
    Path(points).rename("two\nlines.npy")
    said = sparring("train", "two\nlines.npy", *small, "--rounds", 1)
    assert (said.code, said.out) == (0, "runs/two_lines-default-1\n")
    assert "two\\nlines.npy" in said.err
    assert "is not a run" in sparring("sample", "no\nrun").err
    assert sparring("sample", "no\nrun").err.count("\n") == 1
