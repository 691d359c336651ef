import shlex
import sys
import tomllib

import numpy as np
import pytest
from PIL import Image

import sparring
import sparring.cli.train
from sparring import workflows
from sparring.cli import main
from sparring.config import RunConfig, parse_settings, to_toml
from sparring.reporting.command import _setting, command


def kept(config: RunConfig) -> RunConfig:
    """As it comes back from `config.toml`."""
    return RunConfig.model_validate(tomllib.loads(to_toml(config.model_dump())))


@pytest.fixture
def planned(monkeypatch, tmp_path):
    """The config that a command line plans, in a folder of its own."""

    def plan(line: str) -> RunConfig:
        plans: list[workflows.Plan] = []
        monkeypatch.setattr(sparring.cli.train, "_play", lambda plan, *more: plans.append(plan))
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0, line
        return kept(plans[0].config)

    return plan


@pytest.fixture
def sources(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "points.npy", rng.normal(size=(60, 2)).astype(np.float32))
    folder = tmp_path / "my $(photos) 'n' \"things\"; é"
    folder.mkdir()
    for k in range(12):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{k}.png")
    return {"points": tmp_path / "points.npy", "folder": folder, "digits": "digits", "two": (folder, folder)}


@pytest.mark.parametrize(
    ("source", "arguments", "says"),
    [
        ("digits", {}, ["sparring train digits"]),
        ("digits", {"minutes": 5}, ["sparring train digits"]),
        ("digits", {"minutes": 0.1 + 0.2}, ["--minutes 0.30000000000000004"]),
        ("digits", {"rounds": 7, "seed": 3}, ["--rounds 7", "--seed 3"]),
        ("digits", {"images": 1000, "epochs": 2.5, "minutes": 1}, ["--images 1000", "--epochs 2.5", "--minutes 1.0"]),
        ("points", {"recipe": "wgan-gp", "batch": 9, "rounds": 2}, ["--recipe wgan-gp", "--batch 9"]),
        ("points", {"options": {"lr": 1e-5, "latent": "uniform"}, "rounds": 2}, ["lr=1e-05", "latent=uniform"]),
        ("folder", {"size": (8, 12), "channels": 4, "mirror": True}, ["--size 8x12", "--channels 4", "--mirror"]),
        ("points", {"device": "cpu", "precision": "float32", "accumulate": 2}, ["--device cpu", "--set accumulate=2"]),
        ("points", {"evaluate_every": "60s", "log_every": "100", "keep": 1}, ["--evaluate-every 60s", "--set keep=1"]),
        ("points", {"evaluate_every": "50", "evaluate_features": "identity", "schedule": 5000}, ["schedule=5000"]),
        ("points", {"doctor": "off"}, ["--doctor off"]),
        ("points", {"doctor": "10s", "on_trouble": "restore"}, ["--doctor 10s", "--on-trouble restore"]),
        ("folder", {"limit": 7, "rounds": 1}, ["--set limit=7", "--rounds 1"]),
        ("points", {"doctor": "50", "until": "converged"}, ["--doctor 50", "--until converged"]),
        ("points", {"recipe": "wgan", "options": {"n_critic": 2}}, ["--set n_critic=2"]),
        ("two", {"recipe": "cyclegan", "options": {"depth": 1}}, ["--a ", "--b ", "--set depth=1"]),
        ("two", {"recipe": "cyclegan", "pairs": "names", "size": (8, 8), "size_a": (8, 8)}, ["--pairs names"]),
    ],
)  # fmt: skip
def test_the_command_plans_the_same_run(sources, planned, source, arguments, says):
    config = kept(workflows.plan(sources[source], **arguments).config)
    line = command(config)
    for words in says:
        assert words in line
    assert planned(line) == config


def test_a_run_that_began_with_another_one_begins_with_it_again(sources, planned, tmp_path):
    first = sparring.train(sources["points"], rounds=1, doctor="off", options={"width": 8}, out=tmp_path / "first run")
    config = kept(workflows.plan(sources["points"], init=first.path, freeze_d=1, rounds=2, options={"width": 8}).config)
    assert f"--init '{first.path}'" in command(config)
    assert planned(command(config)) == config


def test_what_is_the_default_is_not_said(sources):
    config = workflows.plan(sources["points"], seed=0, options={"ema": 0.999}, channels=None, minutes=5).config
    assert command(config) == f"sparring train {sources['points']} --device cpu --set precision=float32 --augment none"


def test_a_wrong_command_would_plan_another_run(sources, planned):
    config = kept(workflows.plan(sources["points"], seed=4, rounds=2).config)
    assert planned(command(config).replace("--seed 4", "--seed 5")) != config


@pytest.mark.parametrize(
    "value", ["a b", "1e5", "true", "", " x", "a=b", 'quo"te', "a\nb = 3", "1\nb = 3", "\x7f", "é"]
)
def test_any_text_can_be_set(value):
    assert parse_settings([f"key={_setting('key', value)}"]) == {"key": value}


@pytest.mark.parametrize("value", [1, -2.5, 1e-7, True, [1, 2]])
def test_any_value_can_be_set(value):
    assert parse_settings([f"key={_setting('key', value)}"]) == {"key": value}


def test_no_command_makes_what_came_from_python():
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    assert command(workflows.plan(points).config) is None
    config = workflows.plan("ring").config
    assert command(config) is not None
    assert command(config.model_copy(update={"recipe": workflows.CUSTOM})) is None
