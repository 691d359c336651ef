"""One run in several processes: the first decides for all, and whatever befalls one of them, the run goes on."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import sparring

ROUNDS, SEED = 60, 20
KILLS = int(os.environ.get("SPARRING_KILLS", "4"))
SRC = Path(sparring.__file__).parents[1]
SHORT = ["--batch", "4", "--doctor", "off", "--set", "width=4", "--set", "latent_dim=4", "--set", "log_every=1"]
PAUSE = 0.012
"""Seconds that each round of the driver's runs takes longer, so that kills land everywhere."""


def words(out: str, rounds: int = ROUNDS, source: str = "pictures.npy") -> list[str]:
    every = ["--set", "checkpoint_every=2", "--set", "keep=3", "--set", "sample_every=10"]
    return ["train", source, *SHORT, *every, "--rounds", str(rounds), "--out", out]


def command(*arguments: str, before: Callable[[], None] = lambda: None) -> Callable[[], None]:
    """The command line, in a process that has torch already; `before` may break something."""

    def body() -> None:
        from sparring.cli import main
        from sparring.workflows import leading

        real = leading.play

        def slow(*arguments: Any):
            for played in real(*arguments):
                yield played
                time.sleep(PAUSE)

        leading.play = slow
        before()
        sys.argv = ["sparring", *arguments]
        main()

    return body


def progress(out: str) -> int:
    return max((int(path.name) for path in Path(out).glob("checkpoints/[0-9]*")), default=0)


def until(true: Callable[[], bool]) -> None:
    patience = time.monotonic() + 10
    while not true() and time.monotonic() < patience:
        time.sleep(0.002)


def drive(folder: Path) -> None:
    """The driver, a process of its own: every rank is a fork of it that runs the command line."""
    import torch

    from ranks import together
    from sparring import workflows

    torch.set_num_threads(1)
    os.chdir(folder)
    warm = workflows.plan("pictures.npy", rounds=1, out="never-written", options={"width": 4})
    warm.state.optimizers["generator"].step()  # what is imported late is imported now
    report: dict[str, Any] = {}
    began = time.monotonic()
    report["whole"] = together(2, Path("meeting"), command(*words("whole")))
    killed(report, time.monotonic() - began)
    report["parted"] = [together(size, Path("meeting"), command(*more)) for size, *more in PARTED]
    report["signal"] = signalled()
    falling = ["--minutes", "0.03", "--set", "decay_from=0.01", "--set", "checkpoint_every=2"]
    report["minutes"] = together(
        2, Path("meeting"), command("train", "pictures.npy", *SHORT, *falling, "--out", "minutes")
    )
    report["drift"] = together(2, Path("meeting"), command(*words("drift"), before=drift))
    report["unlike"] = together(2, Path("meeting"), command(*words("unlike"), before=change_the_seed))
    report["trouble"] = together(2, Path("meeting"), command(*words("trouble"), before=sicken))
    report["disk"] = together(2, Path("meeting"), command(*words("disk"), before=fill_the_disk))
    (folder / "report.json").write_text(json.dumps(report))


STEADY = ["--recipe", "wgan-gp", "--set", "decay_from=1"]
"""A game without buffers, whose rates do not depend on when it was planned to end."""

PARTED: list[list[Any]] = [
    [2, *words("unparted", 40, "points.npy"), *STEADY],
    [2, *words("parted", 20, "points.npy"), *STEADY],
    [1, "train", "--resume", "parted", "--rounds", "10"],
    [2, "train", "--resume", "parted", "--rounds", "10"],
    [3, "train", "--resume", "parted", "--rounds", "10"],
]


def killed(report: dict[str, Any], longest: float) -> None:
    """Kill one of the ranks at random moments; each time the run is taken up again."""
    from ranks import start, together, wait

    chance, report["reached"], report["codes"] = random.Random(SEED), [], []
    for number in range(KILLS):
        if progress("killed") == ROUNDS:
            break
        again = ["train", "--resume", "killed"] if Path("killed/config.toml").exists() else words("killed")
        ranks = start(2, Path("meeting"), command(*again))
        began = progress("killed")
        if number:  # the first kill may land anywhere
            until(lambda began=began: progress("killed") > began)
        time.sleep(chance.uniform(0, longest / KILLS / 2))
        os.kill(ranks[(number + 1) % 2], signal.SIGKILL)
        report["codes"].append(wait(ranks))
        report["reached"].append(progress("killed"))
    if progress("killed") < ROUNDS:
        report["last"] = together(2, Path("meeting"), command("train", "--resume", "killed"))


def signalled() -> list[int | None]:
    """Ask the second process alone to stop."""
    from ranks import start, wait

    ranks = start(2, Path("meeting"), command(*words("signal", 5000)))
    until(lambda: progress("signal") >= 2)
    os.kill(ranks[1], signal.SIGTERM)
    return wait(ranks)


def second() -> bool:
    return os.environ["RANK"] == "1"


def drift() -> None:
    from sparring.workflows import leading

    real = leading.play

    def drifting(state: Any, *rest: Any):
        for played in real(state, *rest):
            if second() and state.round == 5:
                next(iter(state.owned["generator"])).data.add_(1e-6)
            yield played

    leading.play = drifting


def change_the_seed() -> None:
    if second():
        sys.argv += ["--seed", "1"]
        from sparring.workflows import planning

        real = planning.configured
        planning.configured = lambda *given: real(*given).model_copy(update={"seed": 1})


def sicken() -> None:
    """A NaN in the second process's share of round 5."""
    from sparring.data import Dataset

    real, calls = Dataset.batch, [0]

    def batch(self: Dataset, *asked: Any) -> Any:
        calls[0] += 1
        found = real(self, *asked)
        return {name: x.float() * float("nan") for name, x in found.items()} if second() and calls[0] > 10 else found

    Dataset.batch = batch  # pyright: ignore[reportAttributeAccessIssue]
    from sparring.kinds import Pictures

    Pictures.to_model = lambda self, stored: stored.float() / 127.5 - 1  # NaN passes through


def fill_the_disk() -> None:
    from sparring import checkpoint

    real, calls = checkpoint._write_synced, [0]

    def write(*given: Any) -> str:
        calls[0] += 1
        if calls[0] > 10:
            raise OSError(28, "No space left on device")
        return real(*given)

    checkpoint._write_synced = write


@pytest.fixture(scope="module")
def driven(tmp_path_factory) -> tuple[Path, dict[str, Any], str]:
    folder = tmp_path_factory.mktemp("leading")
    np.save(folder / "pictures.npy", np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8))
    np.save(folder / "points.npy", np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, __file__, str(folder)], env=environment, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads((folder / "report.json").read_text()), done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_is_played_to_its_end_and_written_once(driven):
    folder, report, _ = driven
    assert report["whole"] == [0, 0]
    log = [json.loads(line) for line in (folder / "whole" / "log.jsonl").read_text().splitlines()]
    assert [record["round"] for record in log] == list(range(1, ROUNDS + 1))
    assert log[-1]["images"] == ROUNDS * 2 * 4
    assert "parts = 2" in (folder / "whole" / "config.toml").read_text()


def test_a_killed_process_ends_all_without_a_hang_and_the_run_goes_on_exactly(driven):
    folder, report, said = driven
    assert len(report["codes"]) == KILLS
    for number, codes in enumerate(report["codes"]):
        assert codes[(number + 1) % 2] == -signal.SIGKILL
        # that it was asked to stop: the others had not met yet
        assert codes[number % 2] in ((1,) if report["reached"][number] else (1, -signal.SIGTERM)), codes
    assert report["last"] == [0, 0]
    assert report["reached"] == sorted(report["reached"])
    whole, killed = (contents(folder / name / "checkpoints") for name in ("whole", "killed"))
    assert len(whole) == 9
    assert killed == whole
    assert not [path for path in (folder / "killed").rglob("*") if path.name.startswith(".") or "part" in path.suffix]
    if KILLS > 1:
        assert "another process of the run is gone" in said
        assert "go on with: sparring train --resume killed" in said


def test_a_run_goes_on_in_as_many_processes_as_there_are_parts(driven):
    folder, report, said = driven
    assert report["parted"] == [[0, 0], [0, 0], [0], [0, 0], [2, 0, 0]]
    assert "a step of parted is of 2 batches, for 3 processes (resume it with 2 at most)" in said
    name = "checkpoints/000040/networks.safetensors"
    one, other = (load_file(folder / run / name) for run in ("unparted", "parted"))
    assert all(np.abs(one[key] - other[key]).max() <= 1e-5 for key in one)


def test_a_signal_to_any_process_ends_all_with_a_checkpoint(driven):
    folder, report, said = driven
    assert report["signal"] == [0, 0]
    assert "stopped by a signal" in said
    log = [json.loads(line) for line in (folder / "signal" / "log.jsonl").read_text().splitlines()]
    assert max(int(path.name) for path in folder.glob("signal/checkpoints/[0-9]*")) == log[-1]["round"] < 5000


def test_the_length_of_a_run_in_minutes_is_measured_by_the_first_process_for_all(driven):
    folder, report, _ = driven
    assert report["minutes"] == [0, 0]  # with other rates the networks would have drifted apart
    config = tomllib.loads((folder / "minutes" / "config.toml").read_text())
    assert 0 < config["begins"] < config["horizon"]
    assert max(int(path.name) for path in folder.glob("minutes/checkpoints/[0-9]*")) > config["begins"] + 4


def test_networks_that_are_not_the_same_are_found_out_before_they_are_saved(driven):
    folder, report, said = driven
    assert report["drift"] == [1, 0]
    assert "in round 6 the networks of process 1 are not those of process 0" in said
    assert max(int(path.name) for path in folder.glob("drift/checkpoints/[0-9]*")) == 4


def test_processes_that_plan_different_runs_are_refused(driven):
    folder, report, said = driven
    assert report["unlike"] == [2, 0]
    assert said.count("error: seed is not the same in processes 0 and 1") == 1
    assert not (folder / "unlike").exists()


def test_a_nan_in_one_process_ends_all_with_one_message(driven):
    _, report, said = driven
    assert report["trouble"] == [1, 0]
    assert said.count("diverged: ") == 1
    assert "start again with other options: sparring train --config trouble/config.toml" in said


def test_what_the_first_process_cannot_write_ends_all(driven):
    _, report, said = driven
    assert report["disk"] == [2, 0]
    assert said.count("no space left to write disk") == 1


if __name__ == "__main__":
    drive(Path(sys.argv[1]))
