import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data import cached
from sparring.recipes import RECIPES


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def config(run: str) -> dict:
    return tomllib.loads(Path(run, "config.toml").read_text())


def records(run: str) -> list[dict]:
    return [json.loads(line) for line in Path(run, "log.jsonl").read_text().splitlines()]


def test_the_runs_path_is_the_only_line_on_stdout(sparring, points, small):
    said = sparring("train", points, *small, "--rounds", 3, "--out", "a/run")
    assert (said.code, said.out) == (0, "a/run\n")
    assert "100% round 3 12 images" in said.err
    assert "discriminator" in said.err
    assert "budget used up after 12 images" in said.err
    assert Path("a/run/checkpoints/000003/state.json").is_file()


def test_the_default_path_can_be_used_right_away(sparring, points, small):
    said = sparring("train", points, *small, "--rounds", 1)
    assert said.out == "runs/points-default-1\n"
    assert sparring("sample", said.out.strip(), "-n", 2, "-o", "samples.npy").code == 0


def test_the_options_reach_the_run(sparring, pictures):
    said = sparring(
        *("train", pictures, "-r", "wgan-gp", "--out", "run", "--images", "0.02k", "--size", "12x8", "--channels", 3),
        *("--mirror", "--batch", 5, "--seed", 9, "--device", "cpu", "--epochs", 50, "--minutes", 7, "--rounds", 900),
        *("--set", "width=6", "--set", "n_critic=2", "--set", "accumulate=1", "--set", "precision=float32"),
    )
    assert said.code == 0, said
    made = config("run")
    prepared = {"size": [12, 8], "channels": 3, "mirror": True, "frames": "first", "scale": "auto", "swap": False}
    assert made["data"] == {"source": str(Path(pictures).resolve()), **prepared}
    assert made["budget"] == {"minutes": 7, "images": 20, "rounds": 900, "epochs": 50}
    assert (made["recipe"], made["seed"], made["device"], made["precision"]) == ("wgan-gp", 9, "cpu", "float32")
    assert [made["options"][key] for key in ("batch", "width", "n_critic")] == [5, 6, 2]
    assert made["columns"]["x"]["shape"] == [3, 12, 8]


def test_a_run_goes_on_with_data_that_has_moved(sparring, refused, points, trained):
    Path("elsewhere").mkdir()
    moved = Path(points).rename(Path("elsewhere", points))
    refused("train", "--resume", trained, "--rounds", 1, says="sparring train NEWPLACE --resume run")
    np.save("other.npy", np.load(moved) + 1)
    refused("train", "other.npy", "--resume", trained, "--rounds", 1, says="other.npy is not the data")
    for words in ([str(moved)], []):
        said = sparring("train", *words, "--resume", trained, "--rounds", 1)
        assert said.code == 0, said
        assert config(trained)["data"]["source"] == str(moved.resolve())


@pytest.mark.parametrize("setting", ['checkpoint_every="1"', "checkpoint_every=1"])
def test_a_cadence_in_rounds_is_set_with_quotes_or_without(sparring, points, small, setting):
    said = sparring("train", points, *small, "--rounds", 3, "--out", "run", "--set", setting)
    assert said.code == 0, said
    assert sorted(path.name for path in Path("run/checkpoints").iterdir()) == ["000001", "000002", "000003"]


@pytest.mark.parametrize("setting", ["recipe=gan", "seed=4"])
def test_an_option_of_the_run_can_be_set_like_any_other(sparring, points, small, setting):
    said = sparring("train", points, *small, "--rounds", 1, "--out", "run", "--set", setting)
    assert said.code == 0, said
    key, value = setting.split("=")
    assert str(config("run")[key]) == value


def test_a_config_is_a_start_that_options_override(sparring, points, small):
    assert sparring("train", points, *small, "--rounds", 3, "--seed", 5, "-r", "gan", "--out", "first").code == 0
    said = sparring("train", "--config", "first/config.toml", "--out", "again")
    assert said.code == 0, said
    assert files(Path("again/checkpoints")) == files(Path("first/checkpoints"))
    said = sparring("train", "--config", "first/config.toml", "--out", "other", "--seed", 6, "--set", "width=5")
    assert said.code == 0, said
    assert (config("other")["seed"], config("other")["recipe"], config("other")["options"]["width"]) == (6, "gan", 5)


def test_schedules_end_with_the_budget_and_not_with_that_of_the_config(sparring, points, small):
    assert sparring("train", points, *small, "--rounds", 3, "--out", "first").code == 0
    assert sparring("train", "--config", "first/config.toml", "--rounds", 8, "--out", "longer").code == 0
    assert config("longer")["horizon"] == 8


def test_a_dry_run_prints_the_plan_and_writes_nothing(sparring, points, small, tmp_path):
    before = files(tmp_path)
    said = sparring("train", points, *small, "--rounds", 3, "-r", "wgan-gp", "--seed", 8, "--dry-run")
    assert (said.code, said.err) == (0, "")
    for fact in (
        "recipe     wgan-gp",
        "width = 4",
        "points.npy: 54 examples: x points, 2 dimensions",
        "G: MLPGenerator",
        "averaged",
        "discriminator: trains D for 2 steps by adam",
        "generator: trains G for 1 steps by adam",
        "3 rounds; schedules end at round 3",
        "batch      4",
        "cpu, float32",
        "seed       8",
        "runs/points-wgan-gp-1",
    ):
        assert fact in said.out
    assert files(tmp_path) == before
    assert not Path("runs").exists()


def test_resuming_can_be_planned_without_being_done(sparring, trained, tmp_path):
    before = files(tmp_path)
    said = sparring("train", "--resume", trained, "--rounds", 3, "--dry-run")
    assert said.code == 0
    assert "5 rounds; schedules end at round 5" in said.out
    assert files(tmp_path) == before


def test_resuming_adds_and_goes_on(sparring, trained):
    said = sparring("train", "--resume", trained, "--rounds", 3)
    assert (said.code, said.out) == (0, "run\n")
    assert records("run")[-1]["round"] == 5
    said = sparring("train", "--resume", trained, "--images", "1k")
    assert said.code == 0
    assert records("run")[-1]["images"] == 1020


def test_a_run_that_diverges_names_the_term_and_keeps_its_checkpoint(sparring, points, small, monkeypatch):
    recipe = RECIPES["gan"]

    def build(options, spec):
        game = recipe.build(options, spec)
        discriminator, generator = game.players

        def sick(net, step):
            return {**generator.loss(net, step), "sick": net.G(game.noise(4, step.rng, None)).mean() / (3 - step.round)}

        return replace(game, players=(discriminator, replace(generator, loss=sick)))

    monkeypatch.setitem(RECIPES, "gan", replace(recipe, build=build))
    said = sparring(
        "train", points, *small, "-r", "gan", "--rounds", 9, "--out", "run", "--set", 'checkpoint_every="1"'
    )
    assert (said.code, said.out) == (1, "")
    complaint = " ".join(said.err.splitlines()[1:])
    assert "generator/sick became" in complaint
    assert "in round 3" in complaint
    assert "run/checkpoints/000003" in complaint
    assert "lower learning rate" in complaint
    assert "Traceback" not in said.err
    assert sorted(path.name for path in Path("run/checkpoints").iterdir()) == ["000001", "000002", "000003"]
    assert sparring("sample", "run", "-n", 2, "-o", "samples.npy").code == 0


def test_a_run_that_diverges_at_once_says_that_there_is_no_checkpoint(sparring, points, small):
    said = sparring("train", points, *small, "--rounds", 9, "-r", "wgan-gp", "--out", "run", "--set", "lr=1e30")
    assert (said.code, said.out) == (1, "")
    assert "no checkpoint was written yet" in said.err


def test_what_was_skipped_in_the_data_is_said(sparring, small, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for k in range(6):
        Image.new("L", (8, 8), 40 * k).save(folder / f"{k}.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    said = sparring("train", "folder", *small, "--rounds", 1, "--out", "run")
    assert said.code == 0
    assert "skipped 1 file that is not a readable image: broken.png" in said.err


def test_a_second_start_reads_from_the_cache_and_plays_the_same(sparring, pictures, small, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cached, "SLOW", 0.0)
    options = [*small, "--rounds", 2]
    assert sparring("train", pictures, *options, "--out", "none", "--no-cache").code == 0
    assert not (tmp_path / "cache").exists()
    assert "prepared 24 examples in the cache" in sparring("train", pictures, *options, "--out", "first").err
    assert "read from the cache" in sparring("train", pictures, *options, "--out", "second").err
    networks = [path.read_bytes() for path in tmp_path.glob("*/checkpoints/000002/networks.safetensors")]
    assert len(networks) == 3
    assert len(set(networks)) == 1
