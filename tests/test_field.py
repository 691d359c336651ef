"""Frames of D's decision surface."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import sparring
from sparring import field, workflows
from sparring.checkpoint import network_tensors
from sparring.errors import UserError
from sparring.field import CELLS, FAKE, LEVELS, REAL, SIDE, Field


class East(nn.Module):
    """Takes what lies to the right for real."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.scale * x[:, 0]


def planned(discriminator: nn.Module | None = None) -> workflows.Plan:
    game = sparring.duel(nn.Linear(2, 2), discriminator or East(), latent=2)
    return workflows.plan("ring", game=game, rounds=9, out="never-written")


def test_shades_follow_d_and_both_kinds_of_points_are_drawn():
    plan = planned()
    drawn = Field(plan.state, plan.data)
    drawn.draw("")
    sheet = np.asarray(drawn.frames[0])
    assert sheet.shape == (SIDE, SIDE)
    shades = np.where(sheet < LEVELS, sheet, 0)
    assert shades[:, -40:].max(1).min() > 0.9 * LEVELS
    assert shades[:, :40].max() < 0.1 * LEVELS
    assert {REAL, FAKE} <= set(np.unique(sheet).tolist())
    real = np.argwhere(sheet == REAL)
    assert np.abs(real.mean(0) - SIDE / 2).max() < 0.1 * SIDE  # the ring is in the middle
    assert len(np.unique(real // (SIDE // 8), axis=0)) >= 8


def test_looking_changes_nothing():
    plan = planned()
    before = {name: tensor.clone() for name, tensor in network_tensors(plan.state).items()}
    Field(plan.state, plan.data).draw("")
    after = network_tensors(plan.state)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_d_that_says_the_same_of_everything_or_no_number_can_be_drawn():
    for value in (0.0, float("nan")):
        plan = planned(East())
        with torch.no_grad():
            plan.state.game.networks.D.scale.fill_(value)
        drawn = Field(plan.state, plan.data)
        drawn.draw("")
        assert np.asarray(drawn.frames[0])[0, 0] == LEVELS // 2


def test_frames_are_thinned_and_saved_as_an_animation(tmp_path, monkeypatch):
    monkeypatch.setattr(field, "MAX_FRAMES", 6)
    plan = planned()
    drawn = Field(plan.state, plan.data)
    for k in range(20):
        drawn.draw(f"round {k}")
    assert 3 <= len(drawn.frames) <= 6
    drawn.save(tmp_path / "deep" / "out.gif")
    with Image.open(tmp_path / "deep" / "out.gif") as gif:
        assert gif.n_frames == len(drawn.frames)
        assert gif.size == (SIDE, SIDE)
    assert CELLS < SIDE


def test_only_points_in_the_plane_have_a_field():
    plan = workflows.plan("digits", rounds=1, out="never-written")
    with pytest.raises(UserError, match="points in the plane"):
        Field(plan.state, plan.data)


def test_the_command_line_draws_it(tmp_path, monkeypatch):
    from sparring.cli import app

    monkeypatch.chdir(tmp_path)
    words = [
        "train",
        "ring",
        "--rounds",
        "4",
        "--batch",
        "8",
        "--set",
        "width=4",
        "--set",
        "log_every=1",
        "--out",
        "run",
    ]
    app([*words, "--watch-field", "out.gif"], standalone_mode=False)
    with Image.open("out.gif") as gif:
        assert gif.n_frames == 1 + 4
    Path("folder.gif").mkdir()
    for wrong in (
        ["--watch-field", "folder.gif"],
        ["--watch-field", "out.png"],
        ["--watch-field", "x.gif", "--recipe", "nope"],
    ):
        with pytest.raises(UserError):
            app(["train", "ring", "--out", "wrong", *wrong], standalone_mode=False)
        assert not Path("wrong").exists()
