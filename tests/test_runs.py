import json
from itertools import pairwise
from pathlib import Path

import pytest

from sparring.errors import UserError
from sparring.runs import MOST_SHEETS, RunDir, next_free


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = RunDir(tmp_path / "a run")
    run.path.mkdir()
    return run


def checkpoints(run: RunDir, *rounds: int) -> None:
    for round in rounds:
        run.checkpoint(round).mkdir(parents=True)
        (run.checkpoint(round) / "state.json").write_text("{}")


def rounds(run: RunDir) -> list[int]:
    return [int(path.name) for path in run.finished_checkpoints()]


def test_a_run_directory_is_laid_out_as_promised() -> None:
    run = RunDir(Path("r"))
    assert [str(p) for p in (run.config, run.log, run.sample(123, ".png"), run.checkpoint(123))] == [
        "r/config.toml",
        "r/log.jsonl",
        "r/samples/000123.png",
        "r/checkpoints/000123",
    ]
    assert not run.path.exists()


def test_only_a_folder_with_a_config_is_a_run(run: RunDir) -> None:
    for path in (run.path, run.path / "nowhere"):
        with pytest.raises(UserError, match=r"no config\.toml"):
            RunDir.existing(path)
    run.config.write_text("")
    assert RunDir.existing(str(run.path)) == run


def test_the_latest_checkpoint_is_that_of_the_highest_round(run: RunDir) -> None:
    with pytest.raises(UserError, match="no checkpoint yet"):
        run.latest()
    checkpoints(run, 999_999, 5, 1_000_000, 20)  # a seventh digit sorts before the sixth as text
    assert run.latest() == run.checkpoint(1_000_000)
    assert rounds(run) == [5, 20, 999_999, 1_000_000]


def test_unfinished_and_foreign_names_are_no_checkpoints(run: RunDir) -> None:
    checkpoints(run, 5)
    for name in ("000009.part", ".000009", "best", "-1"):
        (run.checkpoints / name).mkdir()
    (run.checkpoints / "000010").write_text("a file")
    assert rounds(run) == [5]


@pytest.mark.parametrize(("keep", "left"), [(1, [30]), (2, [20, 30]), (3, [10, 20, 30]), (9, [10, 20, 30])])
def test_pruning_keeps_the_newest(run: RunDir, keep: int, left: list[int]) -> None:
    checkpoints(run, 30, 10, 20)
    (run.checkpoints / "best").mkdir()
    run.prune(keep)
    assert rounds(run) == left
    assert (run.checkpoint(30) / "state.json").exists()
    assert (run.checkpoints / "best").exists()


def test_pruning_a_run_without_checkpoints_does_nothing(run: RunDir) -> None:
    run.prune(1)
    assert rounds(run) == []


def test_records_come_back_as_they_were_appended(run: RunDir) -> None:
    assert run.records() == []
    records = [{"round": 1, "terms": {"real": 0.1}}, {"round": 2, "note": "Größe\u2028\n\x85"}]
    for record in records:
        run.append(record)
    assert run.records() == records
    assert len(run.log.read_bytes().splitlines()) == 2  # one a line, for other tools too


def test_a_torn_last_line_is_left_out(run: RunDir) -> None:
    records = [{"round": round, "terms": {"d": 0.5}} for round in (1, 2, 3)]
    for record in records:
        run.append(record)
    whole = run.log.read_bytes()
    last = len(json.dumps(records[-1])) + 1
    for cut in range(2, last + 1):  # at every byte
        run.log.write_bytes(whole[:-cut])
        assert run.records() == records[:2]
    run.log.write_bytes(whole[:-last] + bytes(last))  # zeros, as after a lost write
    assert run.records() == records[:2]
    run.log.write_bytes(whole[:-last] + b'{"round": 3, "\xff\n')  # bytes that are no text
    assert run.records() == records[:2]
    run.rewind(3)
    assert run.records() == records[:2]
    run.append(records[-1])  # behind a torn line it would be lost
    assert run.records() == records


def test_rewinding_forgets_what_will_be_played_again(run: RunDir) -> None:
    for round in (1, 2, 3):
        run.append({"round": round})
        run.append({"round": round, "kind": "other"})
    run.samples.mkdir()
    for name in ("000001.png", "000002.png", "000003.png", "000003.npy", "1000000.png", "real.png"):
        (run.samples / name).write_text("")
    checkpoints(run, 2)
    for round in (1, 2, 3):
        run.append({"round": round}, run.metrics)
    run.rewind(2)
    assert [record["round"] for record in run.records()] == [1, 1, 2, 2]
    assert [record["round"] for record in run.records(run.metrics)] == [1, 2]
    assert sorted(path.name for path in run.samples.iterdir()) == ["000001.png", "000002.png", "real.png"]
    assert rounds(run) == [2]
    assert sorted(path.name for path in run.path.iterdir()) == ["checkpoints", "log.jsonl", "metrics.jsonl", "samples"]


def test_rewinding_a_new_run_writes_nothing(run: RunDir) -> None:
    run.rewind(0)
    assert not any(run.path.iterdir())


def test_the_next_free_name_is_the_first_that_is_not_taken(tmp_path: Path) -> None:
    assert next_free(tmp_path / "runs", "digits") == tmp_path / "runs" / "digits-1"
    for name in ("digits-1", "digits-3", "others-2"):
        (tmp_path / name).mkdir()
    assert next_free(tmp_path, "digits") == tmp_path / "digits-2"
    (tmp_path / "digits-2").write_text("a file is in the way too")
    assert next_free(tmp_path, "digits") == tmp_path / "digits-4"


def test_sheets_are_thinned_to_a_bounded_number_spread_over_the_run(run: RunDir) -> None:
    run.samples.mkdir()

    def play(first: int, last: int) -> list[int]:
        for round in range(first, last + 1, 5):
            run.sample(round, ".png").write_text("")
            run.thin_samples(round)
            assert run.sample(round, ".png").exists()
        return sorted(int(path.stem) for path in run.samples.iterdir())

    assert play(0, 250) == list(range(0, 251, 5))  # few: all of them
    found = play(255, 5000)
    assert 50 <= len(found) <= MOST_SHEETS
    assert (found[0], found[-1]) == (0, 5000)
    assert max(b - a for a, b in pairwise(found)) <= 2 * 5000 / 50
    run.rewind(2000)
    assert play(2005, 5000) == found  # as if it had never been stopped


def test_thinning_keeps_the_sheet_that_was_just_drawn_and_what_is_no_sheet(run: RunDir) -> None:
    run.samples.mkdir()
    for name in ("000000.png", "000001.png", "000003.png", "100000.png", "real.png"):
        (run.samples / name).write_text("")
    run.thin_samples(3)
    assert sorted(path.name for path in run.samples.iterdir()) == ["000000.png", "000003.png", "100000.png", "real.png"]
