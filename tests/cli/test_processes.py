"""`--processes`: the launcher, and what it does when one of its processes, or it itself, is gone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sparring
from sparring import processes
from sparring.cli import _processes
from sparring.cli._processes import MEETING, _wait, launch, started
from sparring.errors import UserError

SRC = Path(sparring.__file__).parents[1]
OPTIONS = ["--recipe", "wgan-gp", "--batch", "4", "--doctor", "off"]
OPTIONS += ["--set", "width=4", "--set", "latent_dim=2", "--set", "checkpoint_every=20"]


def until(true: Callable[[], object], seconds: float = 60) -> None:
    patience = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < patience, "it did not come about"
        time.sleep(0.02)


def rounds(run: Path) -> int:
    return max((int(path.name) for path in run.glob("checkpoints/[0-9]*")), default=0)


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """`begun("--rounds", 5)` starts the command in two processes."""
    monkeypatch.chdir(tmp_path)
    np.save("points.npy", np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SRC), "COLUMNS": "200"}
    all_begun: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sparring", "train", *words, "--processes", "2"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        all_begun.append(subprocess.Popen(command, env=environment, text=True, **streams))
        return all_begun[-1]

    yield begin
    for each in all_begun:
        each.kill()
        each.communicate()


def test_a_run_of_two_processes_outlives_whatever_ends_one_of_them(begun, tmp_path):
    run = tmp_path / "run"
    launcher = begun("points.npy", *OPTIONS, "--rounds", "100000", "--out", "run")
    until(lambda: rounds(run) >= 20)
    os.kill(json.loads((run / "lock").read_text())["pid"], signal.SIGKILL)
    out, err = launcher.communicate(timeout=60)
    assert (launcher.returncode, out) == (1, "")
    assert err.count("error: process 0 was ended by SIGKILL (--resume goes on from the newest checkpoint)") == 1
    assert "Traceback" not in err

    before = rounds(run)
    launcher = begun("--resume", "run")
    until(lambda: rounds(run) > before)
    launcher.send_signal(signal.SIGINT)
    out, err = launcher.communicate(timeout=60)
    assert (launcher.returncode, out) == (0, "run\n")
    assert err.count("stopped by a signal") == 1

    before = rounds(run)
    launcher = begun("--resume", "run")
    until(lambda: rounds(run) > before)
    launcher.kill()
    until(lambda: not (run / "lock").exists())
    last = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()][-1]
    assert rounds(run) == last["round"]


def test_processes_that_outlive_a_failed_one_are_asked_to_stop_and_then_killed(monkeypatch):
    monkeypatch.setattr(_processes, "ENDING", ((0.1, signal.SIGTERM), (0.3, signal.SIGKILL)))
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    codes = ["print(flush=True); import time; time.sleep(60)", deaf, "print(flush=True); raise SystemExit(3)"]
    workers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for code in codes]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
        worker.stdout.close()
    _wait(workers)
    assert [worker.returncode for worker in workers] == [-signal.SIGTERM, -signal.SIGKILL, 3]


@pytest.mark.parametrize(("code", "expected", "says"), [(0, 0, ""), (2, 2, ""), (-9, 1, "ended by SIGKILL")])
def test_the_exit_code_is_the_first_ones(monkeypatch, capsys, code, expected, says):
    class Ended:
        returncode = code

        def poll(self) -> int:
            return code

        def kill(self) -> None: ...

        wait = kill

    monkeypatch.setattr(_processes, "_start", lambda *about: Ended())
    assert launch(2, ["train"]) == expected
    assert says in capsys.readouterr().err


def test_processes_are_started_once(monkeypatch):
    assert processes.MEETING == MEETING
    for name in (MEETING, "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert [started(count) for count in (None, 1, 2)] == [True, True, False]
    monkeypatch.setenv(MEETING, "place")
    assert started(2)


def test_torchrun_has_counted_already(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert started(None)
    with pytest.raises(UserError, match="torchrun --nproc-per-node"):
        started(2)


def test_a_system_without_process_groups_is_sent_to_torchrun(monkeypatch):
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(UserError, match="torchrun --nproc-per-node N -m sparring train"):
        launch(2, [])


def test_processes_without_a_number_are_refused(refused):
    refused("train", "ring", "--processes", "0", says="--processes")
