"""The promise of exactness: the same seed gives the same bytes, whatever befalls the run on its way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

import sparring

ROUNDS, KILLS, SEED = 60, 10, 20
PAUSE, SYNC = 0.012, 0.004
"""Seconds that each round and each fsync of the driver's runs take longer, so that kills land everywhere."""

SRC = Path(sparring.__file__).parents[1]
KILLED = Path("killed")


def words(out: str) -> list[str]:
    options = ["width=4", "latent_dim=4", 'checkpoint_every="2"', 'log_every="1"', 'sample_every="5"', "keep=3"]
    settings = [word for option in options for word in ("--set", option)]
    budget = ["--rounds", str(ROUNDS), "--batch", "4", "--doctor", "3"]
    return ["train", "pictures.npy", *budget, "--out", out, *settings]


def drive(folder: Path) -> None:
    """The driver, a process of its own: torch is imported once, and each run is a fork that can be killed.

    It plays one run through, and another that is killed at random moments and taken up again each time, both by way
    of the command line; what happened goes to `folder/report.json`.
    """
    import torch

    from sparring import workflows

    torch.set_num_threads(1)
    os.chdir(folder)
    workflows.plan("pictures.npy", rounds=1, out="never-written")  # what is imported late is imported now
    began = time.monotonic()
    assert wait(forked(words("whole"))) == 0
    longest = (time.monotonic() - began) / 5
    chance, reached = random.Random(SEED), []
    for _ in range(KILLS):
        if progress() == ROUNDS:
            break
        before = log_file()
        child = forked(["train", "--resume", "killed"] if (KILLED / "config.toml").exists() else words("killed"))
        patience = time.monotonic() + 30
        while log_file() == before and time.monotonic() < patience:  # it is replaced when the run begins or goes on
            time.sleep(0.002)
        time.sleep(chance.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        if wait(child) == -signal.SIGKILL:
            reached.append(progress())
    last = 0 if progress() == ROUNDS else wait(forked(["train", "--resume", "killed"]))
    Path("report.json").write_text(json.dumps({"reached": reached, "last": last}))


def forked(arguments: list[str]) -> int:
    """Start the command in a child process, slowed down."""
    from sparring.cli import main
    from sparring.workflows import playing

    child = os.fork()
    if child:
        return child
    real_sync, real_play = os.fsync, playing.play

    def slow_sync(handle: int) -> None:
        time.sleep(SYNC)
        real_sync(handle)

    def slow_play(*arguments: object):
        for played in real_play(*arguments):
            yield played
            time.sleep(PAUSE)

    os.fsync, playing.play = slow_sync, slow_play
    sys.argv = ["sparring", *arguments]
    try:
        main()
    except SystemExit as ended:
        os._exit(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    os._exit(70)


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def log_file() -> int:
    log = KILLED / "log.jsonl"
    return log.stat().st_ino if log.exists() else 0


def progress() -> int:
    return max((int(path.name) for path in KILLED.glob("checkpoints/[0-9]*")), default=0)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def driven(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("driven")
    np.save(folder / "pictures.npy", np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, __file__, str(folder)], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "report.json").exists(), done.stderr
    return folder


def test_the_kills_landed_in_the_middle_of_the_run(driven):
    report = json.loads((driven / "report.json").read_text())
    assert report["last"] == 0
    assert len({round for round in report["reached"] if 0 < round < ROUNDS}) >= 3, report
    assert report["reached"] == sorted(report["reached"])


def test_a_run_killed_again_and_again_ends_byte_identical_to_the_uninterrupted_one(driven):
    whole, killed = (contents(driven / name / "checkpoints") for name in ("whole", "killed"))
    folders = [f"{round:06d}" for round in (ROUNDS - 4, ROUNDS - 2, ROUNDS)]
    assert sorted({name.split("/")[0] for name in whole}) == [*folders, "best", "best.json"]
    assert {name: killed.get(name) for name in whole} == whole


def test_a_run_killed_again_and_again_leaves_nothing_else_behind(driven):
    whole, killed = (contents(driven / name) for name in ("whole", "killed"))
    assert {name for name in whole if whole[name] != killed.get(name)} == {"log.jsonl"}  # it tells the time
    # a grid more wherever the run was taken up
    assert {Path(name).parent.name for name in killed.keys() - whole.keys()} <= {"samples"}
    assert not [path for path in (driven / "killed").rglob("*") if path.name.startswith(".") or "part" in path.suffix]


def test_what_the_log_of_a_killed_run_says_is_true(driven):
    whole, killed = (
        [json.loads(line) for line in (driven / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "killed")
    )
    examined = [{r["round"]: r["signals"]["distance"] for r in log if r["kind"] == "health"} for log in (whole, killed)]
    assert examined[0] == examined[1]
    assert len(examined[0]) == 1 + ROUNDS // 3
    whole, killed = ([record for record in log if record["kind"] == "terms"] for log in (whole, killed))
    assert [record["round"] for record in whole] == list(range(1, ROUNDS + 1))
    assert [record["round"] for record in killed] == [record["round"] for record in whole]
    assert [record["terms"] for record in killed] == [record["terms"] for record in whole]
    seconds = [record["seconds"] for record in killed]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("recipe", ["default", "dcgan", "wgan-gp"])
def test_the_same_seed_gives_byte_identical_checkpoints(tmp_path, recipe):
    data = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    options = {"width": 4, "latent_dim": 4, "batch": 4}
    found = [
        contents(
            sparring.train(
                data,
                recipe=recipe,
                rounds=4,
                seed=seed,
                checkpoint_every="2",
                doctor="off",
                out=tmp_path / name,
                options=options,
            ).directory.checkpoints
        )
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    ]
    assert len(found[0]) == 2 * 3
    assert found[0] == found[1]
    assert all(found[0][name] != found[2][name] for name in found[0])


def test_a_run_does_not_depend_on_where_it_lies_or_what_it_is_called(tmp_path):
    data = np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8)
    found = []
    for name in ("a", "b/c"):
        source = tmp_path / name / "pictures.npy"
        source.parent.mkdir(parents=True)
        np.save(source, data)
        run = sparring.train(source, rounds=2, out=source.parent / "run", options={"width": 4, "batch": 4})
        found.append(contents(run.directory.checkpoints))
        shutil.rmtree(source.parent)
    assert found[0] == found[1]


if __name__ == "__main__":
    drive(Path(sys.argv[1]))
