"""A run that begins with the networks of another one."""

import json
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import sparring
from sparring import workflows
from sparring.cli import main as command
from sparring.errors import UserError
from sparring.loop import play

OPTIONS = {"width": 4, "latent_dim": 4, "batch": 4}


def pictures(seed: int, side: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, side, side), dtype=np.uint8)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> sparring.Run:
    out = tmp_path_factory.mktemp("runs") / "first"
    return sparring.train(pictures(0), rounds=6, options=OPTIONS, out=out, doctor="off", augment="ada")


def begun(run: sparring.Run, seed: int = 1, side: int = 8, **settings) -> workflows.Plan:
    how = {"rounds": 4, "options": OPTIONS, "out": "unwritten", "init": run.path, "seed": 5} | settings
    return workflows.plan(pictures(seed, side), **how)


def test_g_and_its_average_begin_with_the_average_and_d_with_itself(first):
    there = load_file(first.directory.latest() / "networks.safetensors")
    state = (plan := begun(first)).state
    for name, network in (("average.G", state.game.networks.G), ("average.G", state.averaged["G"])):
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, there[f"{name}.{key}"]), key
    for key, tensor in state.game.networks.D.state_dict().items():
        assert torch.equal(tensor, there[f"D.{key}"]), key
    assert not torch.equal(there["average.G.last.weight"], there["G.last.weight"])
    assert state.round == 0
    assert "G, D taken over" in plan.notes[0]
    other = begun(first, options=OPTIONS | {"lr": 1e-5, "network": "shuffle"}, recipe="sngan", augment="none")
    assert other.config.init.networks == ("G", "D")  # by other rules


def test_networks_of_another_shape_begin_anew(first):
    plan = begun(first, options=OPTIONS | {"latent_dim": 5})
    assert plan.config.init.networks == ("D",)
    assert "begun anew: G has other shapes there" in plan.notes[0]
    with pytest.raises(UserError, match=r"nothing of .* fits: G has other shapes there, D has other shapes there"):
        begun(first, options=OPTIONS | {"width": 5})
    with pytest.raises(UserError, match="is not a run"):
        begun(first, init=first.path / "nowhere")
    labelled = workflows.plan(
        (pictures(1), np.arange(24) % 3),
        recipe="projection",
        rounds=1,
        options=OPTIONS,
        init=first.path,
        out="unwritten",
    )
    assert labelled.config.init.networks == ("D",)
    assert "E is not there" in labelled.notes[0]


def test_frozen_layers_stay_and_the_others_move(first):
    plan = begun(first, freeze_d=2)
    before = {name: tensor.clone() for name, tensor in plan.state.game.networks.D.state_dict().items()}
    list(islice(play(plan.state, plan.data, plan.how), 3))
    moved = {n for n, t in plan.state.game.networks.D.state_dict().items() if not torch.equal(t, before[n])}
    assert not any(name.startswith(("trunk.0.", "trunk.2.")) for name in moved)
    assert any(name.startswith("head.") for name in moved)
    with pytest.raises(UserError, match=r"freeze_d = 9: D has . layers"):
        begun(first, freeze_d=9)
    with pytest.raises(UserError, match="--init RUN"):
        begun(first, freeze_d=2, init=None)
    with pytest.raises(UserError, match="D was not taken over"):
        begun(first, freeze_d=1, recipe="bigan", options=OPTIONS | {"network": "shuffle"})


def test_the_origin_is_written_down_and_a_resumed_run_does_not_begin_again(first, tmp_path):
    run = sparring.train(pictures(1), rounds=3, options=OPTIONS, out=tmp_path / "a", doctor="off", init=first.path)
    config = workflows.existing(run.path)[1]
    assert config.init.run == str(first.path.resolve())
    assert config.init.data == workflows.existing(first.path)[1].fingerprint
    assert (config.init.round, config.init.networks) == (6, ("G", "D"))
    whole = sparring.train(pictures(1), rounds=5, options=OPTIONS, out=tmp_path / "b", doctor="off", init=first.path)
    again = sparring.resume(run.path, source=pictures(1), rounds=2)
    assert workflows.existing(again.path)[1].init == config.init
    last = [load_file(each.directory.latest() / "networks.safetensors") for each in (whole, again)]
    assert last[0].keys() == last[1].keys()
    sparring.export(run.path, tmp_path / "hub")
    card = (tmp_path / "hub" / "README.md").read_text()
    assert config.init.data in card
    assert str(first.path) not in card
    assert "init" not in json.loads((tmp_path / "hub" / "config.json").read_text())


def test_the_command_says_what_was_taken_over(first, tmp_path, monkeypatch, capsys):
    np.save(tmp_path / "new.npy", pictures(3))
    monkeypatch.chdir(tmp_path)
    settings = [word for name, value in OPTIONS.items() for word in ("--set", f"{name}={value}")]
    words = ["train", "new.npy", "--init", str(first.path), "--rounds", "2", "--dry-run", *settings]
    monkeypatch.setattr("sys.argv", ["sparring", *words, "--augment", "ada", "--set", "augment_p=0:0.3"])
    with pytest.raises(SystemExit) as ended:
        command()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "G, D taken over from" in said
    assert "augment_p = 0:0.3" in said
    assert "▁" in said
