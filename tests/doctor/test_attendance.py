"""The doctor at a run: when it examines, what it writes, and what follows from its verdicts."""

import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import sparring
from sparring import workflows
from sparring.doctor import Doctor, Verdict, attendance
from sparring.errors import UserError
from sparring.loop import DivergedError, Round
from sparring.runs import RunDir
from sparring.workflows import playing

SMALL = {"options": {"width": 4, "latent_dim": 4, "batch": 8}, "log_every": "1", "sample_every": "1000"}
ILL = Verdict("mode-collapse", 1.0, "it was told so", "none")


def cloud(n: int = 300, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


def health(run: workflows.Run) -> list[dict]:
    return run.health()


@pytest.fixture
def told(monkeypatch):
    """Let the doctor say this from the third examination on."""

    def tell(verdict: Verdict) -> None:
        well = Verdict("learning", 1.0, "it was told so")
        monkeypatch.setattr(attendance, "diagnose", lambda history: verdict if len(history) >= 3 else well)

    return tell


def test_examinations_are_lines_of_the_log(tmp_path):
    began = time.monotonic()
    run = sparring.train(cloud(), rounds=9, doctor="3", out=tmp_path / "run", **SMALL)
    taken = time.monotonic() - began
    records = health(run)
    assert [record["round"] for record in records] == [1, 3, 6, 9]
    for record in records:
        assert {"images", "seconds", "verdict", "confidence", "signals", "evidence", "advice"} <= record.keys()
        assert record["signals"]["judge_low"] <= record["signals"]["judge"] <= record["signals"]["judge_high"]
    spent = [record["spent"] for record in records]
    assert spent == sorted(spent)
    assert 0 < spent[-1] < taken
    assert records[0]["verdict"] == "warming-up"
    assert len(run.terms()) == 9


def test_the_last_round_is_examined_whatever_the_period(tmp_path):
    run = sparring.train(cloud(), rounds=7, doctor="100", out=tmp_path / "run", **SMALL)
    assert [record["round"] for record in health(run)] == [1, 7]


def test_off_there_is_no_doctor_at_all(tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr(playing, "Doctor", never)
    run = sparring.train(cloud(), rounds=3, doctor="off", out=tmp_path / "run", **SMALL)
    assert health(run) == []
    assert not run.directory.best.exists()


def test_a_run_that_is_attended_is_the_same_run(tmp_path):
    found = []
    for doctor in ("off", "2"):
        run = sparring.train(cloud(), rounds=6, doctor=doctor, out=tmp_path / doctor, **SMALL)
        found.append({path.name: path.read_bytes() for path in run.directory.latest().iterdir()})
    assert found[0] == found[1]


def test_a_period_that_is_none_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="doctor = 'often'"):
        sparring.train(cloud(), rounds=3, doctor="often", out=tmp_path / "run", **SMALL)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def attended(monkeypatch):
    """The seconds, on a clock of its own, at which a doctor that takes 10 ms a time has examined."""
    spent = 0.0

    def examine(heard, swings):
        nonlocal spent
        spent += 0.01
        return attendance.Signals()

    def attend(clock, rounds: int) -> list[float]:
        plan = workflows.plan(cloud(), rounds=10, out="never-written", options=SMALL["options"])
        doctor = Doctor(plan.state, plan.data, plan.how)
        doctor._examiner = examine
        monkeypatch.setattr(attendance, "time", SimpleNamespace(monotonic=lambda: spent))
        moments = [(number, *clock(number)) for number in range(1, rounds + 1)]
        return [now for number, now, share in moments if doctor.attend(Round(number, {}), 0, now, share)]

    return attend


def test_auto_spends_its_share_of_the_time(attended):
    times = attended(lambda number: (0.05 * number, 0.0), 400)
    assert 0.8 * attendance.SHARE < 0.01 * len(times) / 20 <= attendance.SHARE


def test_auto_examines_a_short_run_often_enough(attended):
    times = attended(lambda number: (0.001 * number, number / 200), 200)
    assert attendance.FEWEST - 2 <= len(times) <= attendance.FEWEST + 2


def test_auto_leaves_a_very_short_run_some_rounds_between_examinations(attended):
    times = attended(lambda number: (1.0 * number, number / 40), 40)
    assert np.diff(times).min() == attendance.APART


def test_auto_examines_a_long_run_ever_more_rarely(attended):
    times = attended(lambda number: (100.0 * number, 0.0), 800)
    assert np.diff(times)[-1] >= attendance.LONGEST * times[-2] > 300


def test_best_is_the_checkpoint_nearest_to_the_data(tmp_path):
    run = sparring.train(cloud(), rounds=40, doctor="5", out=tmp_path / "run", **SMALL)
    distances = {record["round"]: record["signals"]["distance"] for record in health(run)}
    round, distance = run.directory.noted_best()
    assert distances[round] == min(distances.values()) == pytest.approx(distance, rel=1e-4)
    state = json.loads((run.directory.best / "state.json").read_text())
    assert state["round"] == round
    whole = sparring.train(cloud(), rounds=round, doctor="off", out=tmp_path / "short", **SMALL)
    assert np.array_equal(run.sample(5, checkpoint="best"), whole.sample(5))
    assert not np.array_equal(run.sample(5), run.sample(5, checkpoint="best")) or round == 40
    assert np.array_equal(run.sample(5), run.sample(5, checkpoint="40"))
    with pytest.raises(UserError, match="has no checkpoint 41"):
        run.sample(5, checkpoint="41")


def test_trouble_is_a_warning_unless_asked_otherwise(tmp_path, told):
    told(ILL)
    run = sparring.train(cloud(), rounds=9, doctor="1", out=tmp_path / "run", **SMALL)
    assert run.terms()[-1]["round"] == 9
    assert health(run)[-1]["verdict"] == "mode-collapse"


def test_trouble_stops_a_run_that_is_to_stop(tmp_path, told):
    told(ILL)
    plan = workflows.plan(cloud(), rounds=9, doctor="1", on_trouble="stop", out=tmp_path / "run", **SMALL)
    *_, last = workflows.run(plan)
    assert (last.round, last.finished) == (3, "ended for mode-collapse")
    assert last.health.verdict == ILL
    assert RunDir(tmp_path / "run").latest().name == "000003"


def test_trouble_restores_the_best_checkpoint(tmp_path, told, monkeypatch):
    told(ILL)
    distances = iter([3.0, 1.0, 2.0])
    measured = attendance.Examiner.__call__
    monkeypatch.setattr(
        attendance.Examiner, "__call__", lambda self, *given: replace(measured(self, *given), distance=next(distances))
    )
    how = {"doctor": "1", "on_trouble": "restore", "checkpoint_every": "1"}
    plan = workflows.plan(cloud(), rounds=9, out=tmp_path / "run", **how, **SMALL)
    *_, last = workflows.run(plan)
    run = workflows.Run(tmp_path / "run")
    assert last.finished == "ended for mode-collapse"
    assert [path.name for path in run.directory.finished_checkpoints()] == ["000001", "000002"]
    assert plan.state.round == 2
    assert run.directory.records()[-1]["kind"] == "restored"
    assert np.array_equal(run.sample(3), run.sample(3, checkpoint="best"))
    monkeypatch.undo()
    resumed = sparring.resume(run.path, source=cloud(), rounds=2)
    assert [record["round"] for record in resumed.terms()] == [1, 2, 3, 4]


def test_a_run_ends_when_it_has_converged(tmp_path, told):
    told(Verdict("converged", 1.0, "it was told so"))
    *_, last = workflows.run(workflows.plan(cloud(), until="converged", doctor="1", out=tmp_path / "run", **SMALL))
    assert (last.round, last.finished) == (3, "converged")
    run = sparring.train(cloud(), rounds=5, doctor="1", out=tmp_path / "on", **SMALL)
    assert run.terms()[-1]["round"] == 5


def sick(round: int):
    torch.manual_seed(0)
    game = sparring.duel(torch.nn.Linear(4, 2), torch.nn.Linear(2, 1), latent=4)
    generator = game.players[1]

    def loss(net, turn):
        terms = generator.loss(net, turn)
        return {name: term * (float("nan") if turn.round == round else 1.0) for name, term in terms.items()}

    return replace(game, players=(game.players[0], replace(generator, loss=loss)))


def test_nan_is_written_down_as_diverged(tmp_path):
    with pytest.raises(DivergedError):
        sparring.train(cloud(), game=sick(4), rounds=9, doctor="2", out=tmp_path / "run", log_every="1")
    last = RunDir(tmp_path / "run").records()[-1]
    assert (last["kind"], last["verdict"], last["round"]) == ("health", "diverged", 4)
    assert "generator/fake became nan in round 4" in last["evidence"]


def test_nan_restores_where_that_was_asked(tmp_path):
    how = {"doctor": "2", "on_trouble": "restore", "log_every": "1"}
    *_, last = workflows.run(workflows.plan(cloud(), game=sick(4), rounds=9, out=tmp_path / "run", **how))
    assert last.finished == "ended for diverged"
    run = RunDir(tmp_path / "run")
    assert int(run.latest().name) == run.noted_best()[0] <= 4


def test_a_resumed_run_remembers_its_history(tmp_path, monkeypatch):
    sparring.train(cloud(), rounds=6, doctor="2", out=tmp_path / "run", **SMALL)
    lengths = []
    monkeypatch.setattr(attendance, "diagnose", lambda history: lengths.append(len(history)) or ILL)
    best = RunDir(tmp_path / "run").noted_best()[1]
    run = sparring.resume(tmp_path / "run", source=cloud(), rounds=4)
    assert lengths == [5, 6]
    assert [record["round"] for record in health(run)] == [1, 2, 4, 6, 8, 10]
    assert run.directory.noted_best()[1] <= best
    assert health(run)[-1]["spent"] > health(run)[3]["spent"]


def test_a_best_that_nobody_can_read_is_none(tmp_path):
    run = RunDir(tmp_path)
    assert run.noted_best() == (0, float("inf"))
    run.checkpoints.mkdir()
    Path(run.checkpoints / "best.json").write_text("half")
    assert run.noted_best() == (0, float("inf"))
