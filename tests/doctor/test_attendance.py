"""The doctor at a run: when it examines, what it writes, and what follows from its verdicts."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import sparring
from sparring import pacing, workflows
from sparring.doctor import Doctor, Verdict, attendance
from sparring.errors import UserError
from sparring.loop import DivergedError, Round
from sparring.pacing import Allowance
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


class Clock:
    """Time that passes only where it is spent."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class SlowExaminer:
    """Measures nothing, and takes 0.4 s to get ready for it and a tenth to do it."""

    clock = Clock()

    def __init__(self, *_, **__) -> None:
        self.clock.now += 0.4

    def __call__(self, heard, swings):
        self.clock.now += 0.1
        return attendance.Signals(auc=0.9)

    def memory(self, round):
        return {}


@pytest.fixture
def attended(monkeypatch):
    """The seconds at which `auto` examined a run of rounds that take 20 ms, and the share of the time that it took."""
    clock = SlowExaminer.clock = Clock()
    monkeypatch.setattr(attendance, "Examiner", SlowExaminer)
    monkeypatch.setattr(pacing, "time", clock)

    def attend(budget: str, length: float, stops: float = math.inf) -> tuple[list[float], float]:
        clock.now, times, fraction, number = 0.0, [], 0.0, 0
        plan = workflows.plan(cloud(), rounds=10, out="never-written", options=SMALL["options"])
        doctor = Doctor(plan.state, plan.data, plan.how, total=length if budget == "minutes" else math.inf)
        spent = 0.0
        while fraction < 1 and clock.now < stops:
            number += 1
            clock.now += 0.3 if number == 1 else 0.02
            now = clock.now
            played = {"minutes": now, "rounds": 0.02 * number, "until": 0.0}[budget]
            fraction = min(1.0, played / length)
            last = fraction == 1 or now >= stops
            if health := doctor.attend(Round(number, {}), 0, now, fraction, last):
                times.append(now)
                spent = health.spent
                assert health.spent <= health.seconds
        return times, spent / clock.now

    return attend


@pytest.mark.parametrize("length", [0.1, 2, 10, 25, 30, 60, 240, 600])
@pytest.mark.parametrize("budget", ["minutes", "rounds"])
def test_auto_takes_its_share_of_the_time_whatever_the_length(attended, budget, length):
    times, share = attended(budget, length)
    assert share <= attendance.MAX_SHARE
    if length >= 60:
        assert len(times) >= 20
        assert times[0] < 1
        assert length * 0.98 < times[-1]
    assert len(times) >= 10 or (length < 30 and not times)
    if length in (60, 240):
        assert share > 0.8 * attendance.MAX_SHARE
        assert max(np.diff(times[:-1])) < 2 * min(np.diff(times[:-1]))


@pytest.mark.parametrize("stops", [0.1, 2, 9, 60, 600])
def test_auto_takes_its_share_of_a_run_whose_length_nobody_knows(attended, stops):
    times, share = attended("until", math.inf, stops)
    assert share <= attendance.MAX_SHARE
    assert bool(times) == (stops >= 60)


def test_auto_leaves_rounds_between_examinations_and_examines_a_long_run_ever_more_rarely(monkeypatch):
    allowance = Allowance(0.5, 0.01, total=1e6)
    allowance.spent = 0.01
    allowance.did(1000.0, 0.01)
    assert not allowance.due(1004.0)
    assert allowance.due(1006.0)
    plan = workflows.plan(cloud(), rounds=10, out="never-written", options=SMALL["options"])
    doctor = Doctor(plan.state, plan.data, plan.how, total=1e6)
    monkeypatch.setattr(doctor._allowance, "due", lambda seconds: True)
    found = [number for number in range(1, 20) if doctor.attend(Round(number, {}), 0, 1.0, 0.0)]
    assert found == [1, 6, 11, 16]


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


@pytest.mark.parametrize(
    "sign",
    [{"score": 1e6}, {"update_generator": 1e9}, {"update_discriminator": 1e9, "weights_discriminator": 3.0}],
)
def test_what_has_exploded_is_not_the_best_though_it_is_nearest(tmp_path, monkeypatch, sign):
    distances = iter([3.0, 1.0, 2.0])
    measured = attendance.Examiner.__call__

    def examine(self, *given):
        found = replace(measured(self, *given), distance=next(distances))
        return replace(found, **{"weights_generator": 3.0} | sign) if found.distance == 1 else found

    monkeypatch.setattr(attendance.Examiner, "__call__", examine)
    run = sparring.train(cloud(), rounds=3, doctor="1", out=tmp_path / "run", **SMALL)
    assert run.directory.noted_best() == (3, 2.0)


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

    def loss(net, step):
        terms = generator.loss(net, step)
        return {name: term * (float("nan") if step.round == round else 1.0) for name, term in terms.items()}

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


def parts(path: Path, *rounds: int) -> list[dict]:
    """The health of a run that was resumed for so many rounds each."""
    run = sparring.train(cloud(), rounds=5, schedule=1000, doctor="2", out=path, **SMALL)
    for more in rounds:
        run = sparring.resume(path, source=cloud(), rounds=more)
    return health(run)


def measured(record: dict) -> dict:
    return {name: value for name, value in record["signals"].items() if name != "loss_swings"}


def test_the_verdict_does_not_depend_on_how_often_a_run_is_resumed(tmp_path):
    once, often = parts(tmp_path / "once", 6), parts(tmp_path / "often", 2, 2, 2)
    assert [record["round"] for record in once if not record.get("closing")] == [1, 2, 4, 6, 8, 10]
    for records in (once, often):
        records[:-1] = [record for record in records[:-1] if not record.get("closing")]
    assert [measured(record) for record in once] == [measured(record) for record in often]
    assert all("moved" in record["signals"] for record in often[1:])
    assert [record["verdict"] for record in once] == [record["verdict"] for record in often]


def test_the_doctor_never_takes_more_than_all_of_the_time(tmp_path):
    for record in parts(tmp_path / "run", 1, 1, 1):
        assert 0 < record["spent"] <= record["seconds"]


def test_a_memory_of_another_examination_is_none(tmp_path):
    parts(tmp_path / "run")
    run = RunDir(tmp_path / "run")
    assert playing._remembered(run.memory, 4)
    assert playing._remembered(run.memory, 2) is None
    run.memory.write_bytes(b"half")
    assert playing._remembered(run.memory, 4) is None


def test_a_best_that_nobody_can_read_is_none(tmp_path):
    run = RunDir(tmp_path)
    assert run.noted_best() == (0, float("inf"))
    run.checkpoints.mkdir()
    Path(run.checkpoints / "best.json").write_text("half")
    assert run.noted_best() == (0, float("inf"))
