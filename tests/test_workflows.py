import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import GIVEN_PICTURES
from torch import Tensor, nn

import sparring
from sparring import recipes, runs, workflows
from sparring.checkpoint import network_tensors
from sparring.data import Unpaired
from sparring.drawing import CHUNK, draw
from sparring.errors import UserError
from sparring.game import OptimizerConfig, every
from sparring.loop import DivergedError, State
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.runs import RunDir
from sparring.workflows import Run, playing

SMALL = {"options": {"width": 4, "latent_dim": 4, "batch": 4}, "doctor": "off"}
SRC = Path(sparring.__file__).parents[1]


def pictures(count: int = 24, size: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size), dtype=np.uint8)


def points(count: int = 60, seed: int = 0) -> np.ndarray:
    """Around (100, -40), some 5 wide."""
    return (np.random.default_rng(seed).normal(size=(count, 2)) * 5 + [100, -40]).astype(np.float32)


class MyG(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 6), nn.Dropout(0.3), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class MyD(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 6), nn.Dropout(0.3), nn.LeakyReLU(0.2), nn.Linear(6, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def my_game(seed: int = 5):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return sparring.duel(MyG(), MyD(), "hinge", latent=3, optimizer=OptimizerConfig(0.01))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def interrupted_at(round: int, source: workflows.Source, **arguments: object) -> None:
    """Train until that round and stop at once, as a kill would."""
    plan = workflows.plan(source, log_every="1", **arguments)
    for status in workflows.run(plan):
        if status.round == round:
            break


# --- train ---


def test_the_run_directory_holds_what_the_design_says(tmp_path):
    run = sparring.train(pictures(30), recipe="gan", rounds=4, out=tmp_path / "run", **SMALL | {"doctor": "1"})
    assert run.path == tmp_path / "run"
    files = {name for name in contents(run.path) if not name.startswith("samples/")}
    parts = ("networks.safetensors", "state.json", "state.safetensors")
    saved = {f"checkpoints/{name}/{part}" for name in ("000004", "best") for part in parts}
    assert files == {"config.toml", "log.jsonl", "doctor.safetensors", "checkpoints/best.json", *saved}
    assert "samples/000004.png" in contents(run.path)


def test_the_config_says_all_that_is_needed(tmp_path):
    run = sparring.train(points(), recipe="wgan-gp", rounds=2, seed=7, out=tmp_path / "run", **SMALL)
    config = tomllib.loads(run.directory.config.read_text())
    assert (config["recipe"], config["seed"], config["horizon"]) == ("wgan-gp", 7, 2)
    assert config["options"]["width"] == 4
    assert config["options"]["n_critic"] == recipes.get("wgan-gp").points["n_critic"]  # defaults are written too
    assert config["columns"]["x"]["shape"] == [2]
    assert config["fingerprint"]
    assert config["data"]["source"] == ""


def test_the_log_has_a_record_a_line(tmp_path):
    options = {**SMALL["options"], "n_critic": 3}
    run = sparring.train(
        points(), recipe="wgan-gp", rounds=6, log_every="2", out=tmp_path / "run", **SMALL | {"options": options}
    )
    records = [json.loads(line) for line in run.directory.log.read_text().splitlines()]
    assert records == run.terms()
    assert [record["round"] for record in records] == [2, 4, 6]
    assert [record["images"] for record in records] == [2 * 12, 4 * 12, 6 * 12]
    seconds = [record["seconds"] for record in records]
    assert seconds == sorted(seconds)
    for record in records:
        assert record["kind"] == "terms"
        assert {name.split("/")[0] for name in record["terms"]} == {"discriminator", "generator"}
        assert np.isfinite(list(record["terms"].values())).all()


def test_the_terms_of_a_record_are_means_since_the_last(tmp_path):
    every, paired = (
        sparring.train(points(), rounds=4, log_every=period, out=tmp_path / period, **SMALL).terms()
        for period in ("1", "2")
    )
    for k, record in enumerate(paired):
        for name, value in record["terms"].items():
            both = [every[2 * k]["terms"][name], every[2 * k + 1]["terms"][name]]
            assert value == pytest.approx(np.mean(both), abs=1e-6)


@pytest.mark.parametrize(
    ("budget", "rounds"),
    [
        ({"rounds": 5}, 5),
        ({"images": 18}, 5),
        ({"epochs": 0.5}, 7),  # 54 train, 4 a round
        ({"rounds": 9, "images": 18}, 5),
        ({"rounds": 3, "images": 18, "minutes": 60}, 3),
    ],
)
def test_a_run_ends_at_the_first_budget_that_is_used_up(tmp_path, budget, rounds):
    plan = workflows.plan(points(), out=tmp_path / "run", **budget, **SMALL)
    *_, last = workflows.run(plan)
    assert len(plan.data) == 54
    assert (last.round, last.images) == (rounds, 4 * rounds)
    assert (last.finished, last.fraction) == ("budget used up", 1.0)
    assert RunDir(tmp_path / "run").latest().name == f"{rounds:06d}"


def test_a_budget_of_minutes_ends_the_run(tmp_path):
    plan = workflows.plan(points(), out=tmp_path / "run", minutes=0.005, **SMALL)
    *_, last = workflows.run(plan)
    assert 0.3 <= last.seconds < 5
    assert last.finished == "budget used up"


def test_images_are_counted_at_the_first_player(tmp_path):
    options = {**SMALL["options"], "n_critic": 5}
    plan = workflows.plan(points(), recipe="wgan-gp", images=50, accumulate=2, out=tmp_path / "run", options=options)
    *_, last = workflows.run(plan)
    assert (last.round, last.images) == (2, 80)  # 40 a round: 5 steps of 2 batches of 4


@pytest.mark.parametrize(
    ("budget", "horizon"),
    [
        *[({"rounds": 5}, 5), ({"images": 40}, 10), ({"epochs": 2}, 27), ({"rounds": 5, "minutes": 1}, 5)],
        *[({"minutes": 1}, None), ({}, None), ({"until": "converged", "doctor": "9"}, 250_000)],
        *[({"schedule": 200} | budget, 50) for budget in ({}, {"minutes": 1}, {"rounds": 9}, {"images": 9})],
    ],
)
def test_schedules_end_with_the_budget_or_where_they_are_told_to(tmp_path, budget, horizon):
    plan = workflows.plan(points(), out=tmp_path / "run", **SMALL | budget)
    assert plan.how.horizon == plan.config.horizon == horizon


@pytest.fixture
def tenths(monkeypatch) -> list[int]:
    """A clock on which each round takes a tenth of a second: the tenths so far."""
    ticked = [0]
    honest = playing.play

    def play(*arguments):
        for played in honest(*arguments):
            ticked[0] += 1
            yield played

    monkeypatch.setattr(playing, "play", play)
    monkeypatch.setattr(playing.time, "monotonic", lambda: ticked[0] / 10)
    return ticked


def test_the_length_of_a_run_in_minutes_is_measured_and_written_down(tmp_path, tenths):
    seen = []
    game = my_game()
    listening = replace(game.players[0], loss=lambda net, step: seen.append(step.progress) or losing(net, step))
    losing = game.players[0].loss
    game = replace(game, players=(listening, *game.players[1:]))
    run = sparring.train(points(), game=game, batch=4, minutes=1, doctor="off", out=tmp_path / "run")
    config = tomllib.loads(run.directory.config.read_text())
    assert (config["begins"], config["horizon"]) == (30, 600)
    assert seen == [0.0] * 30 + [pytest.approx(round / 600) for round in range(30, 600)]


def test_what_takes_time_beside_the_rounds_at_first_does_not_end_the_schedules_early(tmp_path, tenths, monkeypatch):
    def draw(showing, draw=playing.Showing.draw):
        tenths[0] += 10
        return draw(showing)

    monkeypatch.setattr(playing.Showing, "draw", draw)
    plan = workflows.plan(points(), minutes=1, out=tmp_path / "run", sample_every="5", **SMALL)
    *_, last = workflows.run(plan)
    config = tomllib.loads(plan.out.config.read_text())
    assert config["begins"] == 11  # 1.1 seconds of rounds, and two drawings
    assert config["horizon"] == 11 + 569
    assert last.round < 250  # rates were still falling in the end


def test_a_run_that_is_killed_goes_on_with_the_length_that_was_measured(tmp_path, tenths):
    rounds = workflows.run(workflows.plan(points(), minutes=1, out=tmp_path / "run", log_every="1", **SMALL))
    for _ in itertools.islice(rounds, 100):
        pass
    rounds.close()
    how = workflows.plan_resumed(tmp_path / "run", source=points()).how
    assert (how.begins, how.horizon) == (30, 600)


@pytest.mark.parametrize("budget", [{"images": 18}, {"epochs": 0.5}, {"rounds": 9}, {"images": 18, "rounds": 40}])
def test_schedules_end_in_the_last_round_where_the_first_player_sits_rounds_out(tmp_path, budget):
    game = my_game()
    lazy = replace(game, players=(replace(game.players[0], plays=every(4)), game.players[1]))
    plan = workflows.plan(points(), game=lazy, batch=4, doctor="off", out=tmp_path / "run", **budget)
    *_, last = workflows.run(plan)
    assert plan.how.horizon == last.round


def test_a_game_can_be_played_again_from_its_start(tmp_path):
    game = my_game()
    before = {name: value.clone() for name, value in game.networks.G.state_dict().items()}
    first, again = (
        sparring.train(points(), game=game, rounds=3, doctor="off", out=tmp_path / name).directory.checkpoints
        for name in ("first", "again")
    )
    assert contents(first) == contents(again)
    assert all(torch.equal(value, before[name]) for name, value in game.networks.G.state_dict().items())


def test_without_a_budget_there_is_one_all_the_same(tmp_path):
    assert workflows.plan(points(), out=tmp_path / "run").config.budget.minutes == 5


def test_planning_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workflows.plan(points(), rounds=1)
    workflows.plan(points(), rounds=1, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_runs_are_numbered_where_no_name_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("cloud.npy", points())
    names = [sparring.train("cloud.npy", recipe="gan", rounds=1, **SMALL).path for _ in range(2)]
    assert names == [Path("runs/cloud-gan-1"), Path("runs/cloud-gan-2")]


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    run = sparring.train(points(), rounds=5, keep=2, checkpoint_every="1", out=tmp_path / "run", **SMALL)
    assert [path.name for path in run.directory.finished_checkpoints()] == ["000004", "000005"]
    assert sorted(os.listdir(run.directory.checkpoints)) == ["000004", "000005"]  # noqa: PTH208


def test_previews_are_drawn_when_they_are_due(tmp_path):
    run = sparring.train(pictures(), rounds=5, sample_every="2", out=tmp_path / "run", **SMALL)
    assert sorted(path.name for path in run.directory.samples.glob("*.png")) == [
        "000000.png",
        "000002.png",
        "000004.png",
        "000005.png",
    ]
    sheets = [np.asarray(Image.open(path)) for path in sorted(run.directory.samples.glob("*.png"))]
    assert {sheet.shape for sheet in sheets} == {(8 * 58 - 2, 8 * 58 - 2)}  # 64 pictures of 56, 2 apart
    assert not np.array_equal(sheets[0], sheets[-1])


def test_previews_and_checkpoints_leave_no_trace_on_training(tmp_path):
    busy = {"sample_every": "1", "checkpoint_every": "1", "log_every": "1"}
    idle = {"sample_every": "1000", "checkpoint_every": "1000", "log_every": "1000"}
    last = [
        contents(sparring.train(pictures(), recipe="dcgan", rounds=3, out=tmp_path / name, **how, **SMALL).path)
        for name, how in (("busy", busy), ("idle", idle))
    ]
    for name in ("networks.safetensors", "state.safetensors", "state.json"):
        assert last[0][f"checkpoints/000003/{name}"] == last[1][f"checkpoints/000003/{name}"]


def test_the_networks_are_in_training_mode_in_every_turn(tmp_path):
    modes, game = [], my_game()

    def spying(player):
        def loss(net, step):
            modes.append([module.training for network in net for module in network.modules()])
            return player.loss(net, step)

        return replace(player, loss=loss)

    game = replace(game, players=tuple(spying(player) for player in game.players))
    sparring.train(points(), game=game, rounds=3, sample_every="1", out=tmp_path / "run")
    assert len(modes) == 6
    assert all(all(each) for each in modes)


def test_the_weights_depend_on_the_seed_alone(tmp_path):
    torch.manual_seed(1)
    first = workflows.plan(points(), seed=1, out=tmp_path / "a", **SMALL).state.game.networks.G.state_dict()
    torch.manual_seed(2)
    again = workflows.plan(points(), seed=1, out=tmp_path / "a", **SMALL).state.game.networks.G.state_dict()
    other = workflows.plan(points(), seed=2, out=tmp_path / "a", **SMALL).state.game.networks.G.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_planning_leaves_the_global_generator_alone(tmp_path):
    before = torch.get_rng_state()
    workflows.plan(points(), out=tmp_path / "a", **SMALL)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"recipe": "wgna"}, "no recipe named 'wgna'.*did you mean wgan"),
        ({"rouns": 3}, "no option 'rouns'.*did you mean rounds"),
        ({"options": {"widht": 3}}, "no option 'widht'.*did you mean width"),
        ({"options": {"limit": 9}}, "no option 'limit'.*it is the run's: give it beside options"),
        ({"lr": 0.1}, "no option 'lr'.*it is the recipe's: give it in options"),
        ({"batch": 0}, "batch = 0"),
        ({"rounds": 0}, "rounds = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"log_every": "often"}, "log_every = 'often' is not a period"),
        ({"config": {"data": 3}}, "data"),
        ({"config": {"budget": 3}}, "budget"),
        ({"config": {"options": 3}}, "options"),
        ({"minutes": float("inf")}, "minutes"),
        ({"options": {"lr": float("inf")}}, "lr"),
        ({"game": my_game(), "recipe": "gan"}, "a recipe and a game"),
        ({"recipe": "cyclegan"}, "two kinds of pictures"),
        ({"recipe": "gan", "batch": 1}, "batch of one"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_what_cannot_be_planned_is_refused_before_anything_is_written(tmp_path, arguments, said):
    with pytest.raises(UserError, match=said):
        sparring.train(pictures(), **{"rounds": 1, "out": tmp_path / "run", **arguments})
    assert list(tmp_path.iterdir()) == []


def test_no_data_is_refused(tmp_path):
    with pytest.raises(UserError, match="no data was given"):
        workflows.plan(out=tmp_path / "run")


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if name not in GIVEN_PICTURES])
def test_two_domains_are_refused_by_a_recipe_of_one(tmp_path, name):
    domains = [sparring.data.open(pictures(seed=seed)) for seed in (0, 1)]
    with pytest.raises(UserError, match="cyclegan"):
        sparring.train(Unpaired(*domains), recipe=name, rounds=1, out=tmp_path / "run", **SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("owner", "method"), [(RunDir, "append"), (Image.Image, "save"), (Path, "write_text"), (Path, "mkdir")]
)
def test_a_full_disk_is_a_users_error_wherever_it_strikes(tmp_path, monkeypatch, owner, method):
    def full(*args: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(owner, method, full)
    with pytest.raises(UserError, match="no space left"):
        sparring.train(points(), rounds=1, out=tmp_path / "run", **SMALL)


def test_a_term_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint(tmp_path):
    game = my_game()
    discriminator, generator = game.players

    def sick(net, step):
        terms = generator.loss(net, step)
        return {**terms, "sick": terms["fake"] * (float("nan") if step.round == 3 else 1.0)}

    game = replace(game, players=(discriminator, replace(generator, loss=sick)))
    with pytest.raises(DivergedError, match="generator/sick became nan in round 3"):
        sparring.train(
            points(), game=game, rounds=9, checkpoint_every="1", log_every="1", doctor="off", out=tmp_path / "run"
        )
    run = RunDir(tmp_path / "run")
    assert run.latest().name == "000003"
    assert [record["round"] for record in run.records()] == [1, 2, 3]
    assert sparring.sample(run.path, 2, game=my_game()).shape == (2, 2)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    game = my_game()

    def poison(net):
        if len(steps := [*played, 1]) == 3:
            with torch.no_grad():
                net.G.layers[0].weight[0, 0] = float("inf")
        played[:] = steps

    played: list[int] = []
    game = replace(game, players=(game.players[0], replace(game.players[1], after=poison)))
    with pytest.raises(DivergedError, match=r"G\.layers\.0\.weight"):
        sparring.train(points(), game=game, rounds=9, checkpoint_every="1", out=tmp_path / "run")
    assert RunDir(tmp_path / "run").latest().name == "000002"


# --- resume ---


def test_a_resumed_run_ends_as_the_uninterrupted_one(tmp_path):
    arguments = {"rounds": 6, "checkpoint_every": "2", "sample_every": "1", **SMALL}
    whole = sparring.train(pictures(), log_every="1", out=tmp_path / "whole", **arguments)
    interrupted_at(5, pictures(), out=tmp_path / "cut", **arguments)
    assert RunDir(tmp_path / "cut").latest().name == "000004"
    resumed = sparring.resume(tmp_path / "cut", source=pictures())
    expected = contents(whole.path)
    expected.pop("log.jsonl")
    found = contents(resumed.path)
    found.pop("log.jsonl")
    assert found == expected
    keep = ("round", "images", "terms")
    assert [[r[key] for key in keep] for r in resumed.terms()] == [[r[key] for key in keep] for r in whole.terms()]


def test_a_run_that_never_reached_a_checkpoint_starts_anew(tmp_path):
    arguments = {"rounds": 4, "log_every": "1", **SMALL}
    whole = sparring.train(points(), out=tmp_path / "whole", **arguments)
    plan = workflows.plan(points(), out=tmp_path / "cut", **arguments)
    next(workflows.run(plan))
    resumed = sparring.resume(tmp_path / "cut", source=points())
    assert [record["round"] for record in resumed.terms()] == [1, 2, 3, 4]
    assert contents(resumed.directory.checkpoints) == contents(whole.directory.checkpoints)


def test_a_crash_between_checkpoint_and_log_loses_no_record(tmp_path, monkeypatch):
    real = RunDir.append

    def crash(self, record):
        if record["round"] == 2:
            raise KeyboardInterrupt
        real(self, record)

    arguments = {"rounds": 4, "log_every": "1", "checkpoint_every": "1", **SMALL}
    with monkeypatch.context() as patch:
        patch.setattr(RunDir, "append", crash)
        with pytest.raises(KeyboardInterrupt):
            sparring.train(points(), out=tmp_path / "run", **arguments)
    resumed = sparring.resume(tmp_path / "run", source=points())
    assert [record["round"] for record in resumed.terms()] == [1, 2, 3, 4]


def test_what_a_crash_left_half_written_is_removed(tmp_path):
    interrupted_at(3, points(), out=tmp_path / "run", rounds=6, checkpoint_every="2", **SMALL)
    half = tmp_path / "run" / "checkpoints" / ".000003.part"
    half.mkdir()
    (half / "networks.safetensors").write_text("half")
    resumed = sparring.resume(tmp_path / "run", source=points())
    assert sorted(path.name for path in resumed.directory.checkpoints.iterdir()) == ["000002", "000004", "000006"]


@pytest.mark.parametrize(
    ("more", "rounds", "budget"),
    [
        ({"rounds": 3}, 5, {"rounds": 5}),
        ({"images": 9}, 5, {"images": 17}),
        ({"epochs": 0.25}, 6, {"epochs": 8 / 54 + 0.25}),
    ],
)
def test_resuming_adds_to_what_was_done(tmp_path, more, rounds, budget):
    first = sparring.train(points(), rounds=2, log_every="1", out=tmp_path / "run", **SMALL)
    sparring.resume(first.path, source=points(), **more)
    run = RunDir(first.path)
    assert run.latest().name == f"{rounds:06d}"
    assert [record["round"] for record in run.records()] == list(range(1, rounds + 1))
    assert tomllib.loads(run.config.read_text())["budget"] == pytest.approx(budget)


def test_resuming_adds_minutes(tmp_path):
    sparring.train(points(), rounds=2, log_every="1", out=tmp_path / "run", **SMALL)
    spent = RunDir(tmp_path / "run").records()[-1]["seconds"]
    plan = workflows.plan_resumed(tmp_path / "run", source=points(), minutes=0.003)
    assert plan.config.budget.minutes == pytest.approx(spent / 60 + 0.003)
    *_, last = workflows.run(plan)
    assert last.seconds >= spent + 0.18
    assert last.finished == "budget used up"


def test_schedules_end_later_when_a_run_goes_on_for_longer(tmp_path):
    sparring.train(points(), rounds=2, out=tmp_path / "run", **SMALL)
    for _ in range(2):
        sparring.resume(tmp_path / "run", source=points(), rounds=3)
    how = workflows.plan_resumed(tmp_path / "run", source=points(), rounds=50).how
    assert (how.begins, how.horizon) == (8, 58)
    how = workflows.plan_resumed(tmp_path / "run", source=points(), minutes=5).how
    assert (how.begins, how.horizon) == (8, None)


def test_a_run_that_is_being_played_cannot_be_resumed_at_the_same_time(tmp_path):
    arguments = {"rounds": 6, "log_every": "1", "checkpoint_every": "1", **SMALL}
    playing = workflows.run(workflows.plan(points(), out=tmp_path / "run", **arguments))
    list(itertools.islice(playing, 3))
    second = workflows.plan_resumed(tmp_path / "run", source=points())
    before = contents(tmp_path / "run")
    with pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
        next(workflows.run(second))
    assert contents(tmp_path / "run") == before
    list(playing)
    with pytest.raises(UserError, match="played by another process meanwhile"):
        next(workflows.run(second))


def test_planning_to_resume_writes_nothing(tmp_path):
    sparring.train(points(), rounds=2, out=tmp_path / "run", **SMALL)
    before = contents(tmp_path)
    workflows.plan_resumed(tmp_path / "run", source=points(), rounds=3)
    assert contents(tmp_path) == before


def other_labels():
    return points(), np.arange(60) % 2


@pytest.mark.parametrize(
    "changed",
    [points(seed=1), points(61), points()[::-1].copy(), other_labels()],
    ids=["values", "count", "order", "y"],
)
def test_changed_data_is_refused(tmp_path, changed):
    sparring.train(points(), rounds=2, out=tmp_path / "run", **SMALL)
    before = contents(tmp_path)
    with pytest.raises(UserError, match="has changed since the run began"):
        sparring.resume(tmp_path / "run", source=changed, rounds=1)
    assert contents(tmp_path) == before


def test_what_cannot_be_resumed_is_refused(tmp_path):
    run = sparring.train(points(), rounds=2, out=tmp_path / "run", **SMALL)
    before = contents(tmp_path)
    with pytest.raises(UserError, match="used up its budget"):
        sparring.resume(run.path, source=points())
    with pytest.raises(UserError, match="handed over in memory"):
        sparring.resume(run.path, rounds=1)
    with pytest.raises(UserError, match="leave the game out"):
        sparring.resume(run.path, source=points(), game=my_game(), rounds=1)
    with pytest.raises(UserError, match="not a run"):
        sparring.resume(tmp_path / "nowhere")
    with pytest.raises(UserError, match="hours"):
        sparring.resume(run.path, source=points(), hours=1)
    (run.directory.latest() / "networks.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="truncated or was altered"):
        sparring.resume(run.path, source=points(), rounds=1)
    assert contents(tmp_path).keys() == before.keys()


# --- games of one's own ---


def test_a_game_of_ones_own_trains_resumes_and_samples(tmp_path):
    arguments = {"rounds": 6, "checkpoint_every": "2", "batch": 8}
    whole = sparring.train(points(), game=my_game(), out=tmp_path / "whole", **arguments)
    interrupted_at(5, points(), game=my_game(), out=tmp_path / "cut", **arguments)
    resumed = sparring.resume(tmp_path / "cut", game=my_game(seed=6), source=points())
    assert contents(resumed.directory.checkpoints) == contents(whole.directory.checkpoints)
    drawn = sparring.sample(tmp_path / "cut", 5, game=my_game(seed=7))
    assert np.array_equal(drawn, whole.sample(5))
    assert drawn.shape == (5, 2)


def test_a_game_of_ones_own_is_asked_for(tmp_path):
    run = sparring.train(points(), game=my_game(), rounds=1, out=tmp_path / "run")
    with pytest.raises(UserError, match=r"sparring\.sample\(run, game="):
        sparring.sample(run.path)
    with pytest.raises(UserError, match=r"sparring\.resume\(run, game="):
        sparring.resume(run.path, source=points(), rounds=1)


# --- sample ---


@pytest.fixture(scope="module", params=["default", "dcgan", "gan", "infogan"])
def trained(request, tmp_path_factory) -> workflows.Run:
    folder = tmp_path_factory.mktemp("trained") / "run"
    return sparring.train(pictures(40), recipe=request.param, rounds=3, out=folder, **SMALL)


def test_the_same_seed_is_the_same_picture_whatever_the_others(trained):
    many = trained.sample(70)
    assert many.shape == (70, 8, 8, 1)
    assert many.dtype == np.uint8
    assert len({picture.tobytes() for picture in many}) > 10
    for seed in (0, 1, 31, 32, 63, 64, 69):
        assert np.array_equal(trained.sample(seeds=[seed])[0], many[seed])
        assert np.array_equal(trained.sample(seeds=[500, seed, 900])[1], many[seed])
    backwards = trained.sample(seeds=range(69, -1, -1))
    assert np.array_equal(backwards[::-1], many)
    assert np.array_equal(trained.sample(33), many[:33])


def drawn_from(state, seeds):
    return draw(state.game, state.sampled, {}, seeds, {})


def test_a_generator_always_makes_equally_many_at_once():
    # another number takes other kernels, which may round differently
    sizes = []

    def counted(net, z, given):
        sizes.append(len(z))
        return net.G(z)

    state = State.start(replace(my_game(), sample=counted))
    for n in (1, 31, 32, 33, 70):
        assert drawn_from(state, range(n)).shape == (n, 2)
    assert len(sizes) == 1 + 1 + 1 + 2 + 3
    assert set(sizes) == {CHUNK}


def test_a_generator_without_an_average_is_sampled_from_in_eval_mode():
    state = State.start(replace(my_game(), average=()))
    before = {name: value.clone() for name, value in state.game.networks.G.state_dict().items()}
    first, again = (drawn_from(state, range(5)) for _ in range(2))
    assert torch.equal(first, again)  # dropout would tell them apart
    after = state.game.networks.G.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(module.training for module in state.game.networks.G.modules())


def test_sampling_is_through_the_averaged_weights(tmp_path):
    run = sparring.train(pictures(), recipe="gan", rounds=3, out=tmp_path / "run", **SMALL)
    plan = workflows.plan_resumed(run.path, source=pictures(), rounds=1)
    drawn = {}
    for name, state in (("averaged", plan.state), ("live", replace(plan.state, averaged={}))):
        kind = plan.data.schema["x"]
        drawn[name] = kind.to_array(kind.to_stored(drawn_from(state, range(8))))
    assert np.array_equal(run.sample(8), drawn["averaged"])
    assert not np.array_equal(run.sample(8), drawn["live"])


class Shown(nn.Module):
    """A generator that shows its noise."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(2))

    def forward(self, z: Tensor) -> Tensor:
        return z + self.shift


def shown():
    return sparring.duel(Shown(), nn.Linear(2, 1), latent=2, optimizer=OptimizerConfig(1e-9))


def test_points_come_back_in_the_units_of_the_data(tmp_path):
    data = points(400)
    run = sparring.train(data, game=shown(), rounds=1, out=tmp_path / "run")
    drawn = run.sample(400)
    assert drawn.dtype == np.float32
    assert np.abs(drawn.mean(0) - data.mean(0)).max() < 1
    assert np.abs(drawn.std(0) - data.std(0)).max() < 1


def test_truncation_narrows(tmp_path):
    run = sparring.train(points(400), game=shown(), rounds=1, out=tmp_path / "run")
    spec = tomllib.loads(run.directory.config.read_text())["columns"]["x"]
    wide, narrow = (
        np.abs(run.sample(100, truncation=t) - spec["offset"]).max() / spec["scale"][0] for t in (None, 0.5)
    )
    assert 0.45 < narrow <= 0.5001
    assert wide > 1.5


def test_samples_of_a_translator_come_from_its_own_data(tmp_path):
    for domain, seed in (("trainA", 0), ("trainB", 1)):
        folder = tmp_path / "data" / domain
        folder.mkdir(parents=True)
        for k, picture in enumerate(pictures(30, seed=seed)):
            Image.fromarray(picture).save(folder / f"{k}.png")
    options = {"width": 4, "depth": 1, "batch": 2}
    run = sparring.train(tmp_path / "data", recipe="cyclegan", rounds=1, out=tmp_path / "run", options=options)
    assert run.sample(3).shape == (3, 8, 8, 1)
    assert np.array_equal(run.sample(seeds=[2])[0], run.sample(3)[2])
    shutil.rmtree(tmp_path / "data")  # what is translated comes from the run
    assert run.sample(100).shape == (100, 8, 8, 1)
    other = np.random.default_rng(5).integers(0, 256, (2, 1, 8, 8), dtype=np.uint8)
    assert not np.array_equal(run.sample(2, given={"a": other}), run.sample(2))
    with pytest.raises(UserError, match="given no y"):
        run.sample(2, given={"y": 3})


def test_sampling_a_game_in_training_does_not_touch_its_networks(tmp_path):
    plan = sparring.plan("ring", game=ring_game(), rounds=6, out=tmp_path / "run", checkpoint_every="4", log_every="1")
    for status in sparring.run(plan):
        if status.round == 5:
            before = {name: tensor.clone() for name, tensor in network_tensors(plan.state).items()}
            Run(tmp_path / "run", plan.state.game).sample(4)
            after = network_tensors(plan.state)
            assert all(torch.equal(before[name], after[name]) for name in before)


def ring_game():
    return sparring.duel(MLPGenerator(2, (2,), 8, 1), MLPDiscriminator((2,), 8, 1), latent=2)


def test_two_plans_of_one_directory_are_not_both_played(tmp_path):
    first, second = (sparring.plan("ring", rounds=1, out=tmp_path / "run") for _ in range(2))
    list(sparring.run(first))
    with pytest.raises(UserError, match="begun by another run"):
        list(sparring.run(second))


def test_a_budget_of_ones_own_replaces_the_configs(tmp_path):
    plan = sparring.plan("ring", config={"budget": {"minutes": 5}}, rounds=3, out=tmp_path / "run")
    assert plan.config.budget.minutes is None
    assert plan.config.budget.rounds == 3


def test_samples_of_a_translator_need_no_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pictures(1)[0]).save("not-the-data.png")
    data = Unpaired(*(sparring.data.open(pictures(6, seed=seed)) for seed in (0, 1)))
    options = {"width": 4, "depth": 1, "batch": 2}
    run = sparring.train(data, recipe="cyclegan", rounds=1, out=tmp_path / "run", options=options)
    assert run.sample(3).shape == (3, 8, 8, 1)


def test_what_cannot_be_sampled_is_refused(tmp_path):
    run = sparring.train(points(), rounds=1, out=tmp_path / "run", **SMALL)
    with pytest.raises(UserError, match="not a run"):
        sparring.sample(tmp_path)
    with pytest.raises(UserError):
        sparring.sample(run.path, 0)
    with pytest.raises(UserError):
        sparring.sample(run.path, seeds=[])
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "config.toml").write_text('[data]\nsource = "digits"\n')
    with pytest.raises(UserError):
        sparring.sample(foreign)
    run.directory.prune(keep=1)
    (run.directory.latest() / "state.json").unlink()
    with pytest.raises(UserError, match="missing or damaged"):
        run.sample(1)


# --- being stopped ---


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_round_with_a_checkpoint(tmp_path, number):
    before = signal.getsignal(number)
    plan = workflows.plan(points(), rounds=10**6, log_every="1", out=tmp_path / "run", **SMALL)
    statuses = []
    for status in workflows.run(plan):
        statuses.append(status)
        if status.round == 3:
            os.kill(os.getpid(), number)
    last = statuses[-1]
    assert (last.round, last.finished) == (4, "stopped by a signal")
    assert last.fraction < 1
    assert RunDir(tmp_path / "run").latest().name == "000004"
    assert RunDir(tmp_path / "run").records()[-1]["round"] == 4
    assert signal.getsignal(number) is before
    assert sparring.resume(tmp_path / "run", source=points(), rounds=2).directory.latest().name == "000006"


def test_signalled_commands_save_exit_cleanly_and_can_be_resumed(tmp_path):
    np.save(tmp_path / "points.npy", points())
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SRC)}
    running = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        words = ["train", "points.npy", "--out", number.name, "--minutes", "10", "--batch", "4", "--set", "width=4"]
        running[number] = subprocess.Popen(
            [sys.executable, "-m", "sparring", *words, "--set", "log_every=0.1s"],
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    try:
        for number, process in running.items():
            log = tmp_path / number.name / "log.jsonl"
            patience = time.monotonic() + 60
            while not (log.exists() and log.read_text().count("\n") >= 2):
                assert time.monotonic() < patience, "no log"
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            process.send_signal(number)
            said, logged = process.communicate(timeout=60)
            assert (process.returncode, said) == (0, f"{number.name}\n"), logged
            assert "stopped by a signal" in logged
            assert f"--resume {number.name}" in logged
            run = RunDir(tmp_path / number.name)
            last = int(run.latest().name)
            assert run.records()[-1]["round"] == last > 0
            sparring.resume(run.path, source=tmp_path / "points.npy", rounds=2)
            assert run.latest().name == f"{last + 2:06d}"
    finally:
        for process in running.values():
            process.kill()
            process.communicate()


def test_leaving_the_loop_early_puts_the_signal_handlers_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    playing = workflows.run(workflows.plan(points(), rounds=9, log_every="1", out=tmp_path / "run", **SMALL))
    list(itertools.islice(playing, 2))
    assert signal.getsignal(signal.SIGINT) is not before
    playing.close()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_config_says_device_precision_and_versions_and_a_resumed_run_keeps_to_them(tmp_path, monkeypatch):
    run = sparring.train(points(), rounds=1, out=tmp_path / "run", **SMALL)
    written = tomllib.loads(run.directory.config.read_text())
    assert (written["device"], written["precision"]) == ("cpu", "float32")
    python = ".".join(map(str, sys.version_info[:3]))
    assert written["versions"] == {"sparring": sparring.__version__, "torch": torch.__version__, "python": python}
    monkeypatch.setattr(workflows.assembling, "choose_precision", lambda name, *_: {"float32": torch.float32}[name])
    assert workflows.plan_resumed(run.path, source=points(), rounds=1).how.precision == torch.float32
    copied = workflows.plan(points(), config=written | {"versions": {"torch": "0"}}, out=tmp_path / "copied").config
    assert copied.versions == written["versions"]


def test_a_run_of_a_device_that_is_not_here_says_how_to_go_on(tmp_path):
    run = sparring.train(points(), rounds=1, out=tmp_path / "run", **SMALL)
    config = run.directory.config
    config.write_text(config.read_text().replace('device = "cpu"', 'device = "mps"'))
    with pytest.raises(UserError, match=r'was trained on mps.*device = "auto" in .*config.toml'):
        sparring.resume(run.path, source=points(), rounds=1)
    config.write_text(config.read_text().replace('device = "mps"', 'device = "auto"'))
    assert sparring.resume(run.path, source=points(), rounds=1).directory.latest().name == "000002"


def test_a_run_keeps_a_bounded_number_of_sample_sheets(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "MOST_SHEETS", 6)
    pictures = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    run = sparring.train(pictures, rounds=14, sample_every="1", doctor="off", batch=2, out=tmp_path / "run")
    rounds = sorted({int(path.stem) for path in run.directory.samples.iterdir()})
    assert (rounds[0], rounds[-1]) == (0, 14)
    assert 4 <= len(rounds) <= 6
    assert len(list(run.directory.samples.iterdir())) == 2 * len(rounds)


def test_pictures_of_seven_channels_train_and_come_back_as_such(tmp_path):
    seven = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 7), dtype=np.uint8)
    small = {"width": 4, "latent_dim": 4, "batch": 8}
    path = tmp_path / "run"
    run = sparring.train(seven, recipe="gan", channels="raw", rounds=2, doctor="1", options=small, out=path)
    made = run.sample(40)
    assert (made.shape, made.dtype) == ((40, 8, 8, 7), np.uint8)
    found = sparring.evaluate(made, against=seven, channels="raw", samples=20)
    assert found.extractor == "random"
