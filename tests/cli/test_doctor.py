"""`sparring doctor`, and what `sparring train` says of its doctor."""

import json
import re
from pathlib import Path

import pytest


def health(round: int, verdict: str, advice: str = "") -> dict:
    where = {"kind": "health", "round": round, "images": 8 * round, "seconds": 0.1 * round}
    return where | {
        "verdict": verdict,
        "confidence": 1.0,
        "evidence": f"[{round}] says so",
        "advice": advice,
        "signals": {},
    }


@pytest.fixture
def told(sparring, points, small) -> Path:
    """A run with a history of verdicts."""
    sparring("train", points, *small, "--rounds", 3, "--out", "run")
    records = [
        health(1, "warming-up"),
        health(5, "learning"),
        health(9, "learning"),
        health(13, "stalled", "raise --lr"),
    ]
    with Path("run/log.jsonl").open("a") as log:
        log.writelines(json.dumps(record) + "\n" for record in records)
    return Path("run")


def test_the_history_and_the_diagnosis(sparring, told):
    said = sparring("doctor", told)
    assert said.code == 0
    lines = said.out.splitlines()
    assert "5 to 9" in said.out
    assert "[9] says so" in said.out  # no markup
    assert "[5] says so" not in said.out
    assert lines[-1] == "after round 13: stalled: [13] says so; raise --lr"


def test_games_with_labels_say_how_often_their_classes_are_read_as_such(sparring):
    sparring("train", "digits", "--recipe", "cgan", "--set", "width=4", "--set", "limit=300", "--batch", 4,
             "--rounds", 3, "--doctor", 3, "--out", "run")  # fmt: skip
    said = sparring("doctor", "run").out
    assert "read as the class asked for, by a linear classifier: 0 " in said
    assert "9 " in said.split("by a linear classifier")[1]
    assert re.search(r"held-out reals as their own [5-9]\d%", said)


def test_for_machines(sparring, told):
    found = json.loads(sparring("doctor", told, "--json").out)
    assert [spell["verdict"] for spell in found["history"]] == ["warming-up", "learning", "stalled"]
    assert (found["history"][1]["from"], found["history"][1]["to"], found["history"][1]["examinations"]) == (5, 9, 2)
    assert found["final"]["round"] == 13


def test_a_run_that_was_never_examined_is_an_error(sparring, refused, points, small):
    sparring("train", points, *small, "--rounds", 1, "--out", "run")
    refused("doctor", "run", says="never examined")
    refused("doctor", "nowhere", says="not a run")


def test_training_says_what_the_doctor_says(sparring, points):
    said = sparring("train", points, "--batch", 4, "--set", "width=4", "--rounds", 3, "--out", "run", "--doctor", 1)
    assert said.code == 0
    assert "warming-up" in said.err
    assert said.out == "run\n"
    assert sparring("doctor", "run").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--doctor", "sometimes"], "doctor = 'sometimes' is not a period"),
        (["--on-trouble", "panic"], "on_trouble = 'panic'"),
        (["--until", "perfect"], "until = 'perfect'"),
        (["--until", "converged", "--doctor", "off"], "until = 'converged' waits for a doctor who is off"),
        (["--on-trouble", "stop", "--doctor", "off"], "on_trouble = 'stop' waits for a doctor who is off"),
    ],
)
def test_wrong_wishes_are_refused(refused, points, words, says):
    refused("train", points, "--rounds", 1, *words, says=says)


def test_a_run_without_a_doctor_cannot_go_on_until_it_says_so(sparring, refused, points, small):
    sparring("train", points, *small, "--rounds", 1, "--out", "run")
    refused("train", "--resume", "run", "--until", "converged", says="waits for a doctor who is off")


def test_the_plan_names_the_doctor(sparring, points):
    words = ["train", points, "--dry-run", "--until", "converged", "--minutes", 2, "--on-trouble", "restore"]
    said = sparring(*words)
    assert "doctor     auto; restore on trouble" in said.out
    assert "2 minutes, until converged" in said.out


@pytest.mark.parametrize("on_trouble", ["warn", "restore"])
def test_a_run_that_diverges_is_neither_resumed_nor_restored_to_what_has_exploded(sparring, points, on_trouble):
    ill = ["--recipe", "gan", "--batch", 8, "--set", "width=4", "--set", "lr=1e8"]
    said = sparring("train", points, *ill, "--rounds", 4, "--doctor", 1, "--on-trouble", on_trouble, "--out", "run")
    assert "diverged" in said.err
    assert "--resume" not in said.err
    assert "good" not in said.err
    assert not Path("run/checkpoints/best").exists()
    again = said.err.splitlines()[-1].partition("sparring ")[2].replace("lr=...", "lr=1e-3")
    said = sparring(*again.split(), "--out", "again")
    assert said.code == 0
    assert "diverged" not in said.err


def test_the_refusal_to_resume_with_other_options_says_how_to_use_them(sparring, refused, points, small):
    sparring("train", points, *small, "--rounds", 1, "--out", "run")
    refused("train", "--resume", "run", "--set", "lr=1", says="--config run/config.toml")


def test_a_run_that_is_too_short_for_the_doctor_says_so(sparring, points):
    said = sparring("train", points, "--batch", 4, "--set", "width=4", "--rounds", 2, "--out", "run")
    assert "--doctor 50" in said.err


def test_samples_of_the_best_checkpoint(sparring, refused, points):
    sparring("train", points, "--batch", 4, "--set", "width=4", "--rounds", 4, "--out", "run", "--doctor", 1)
    assert sparring("sample", "run", "--checkpoint", "best", "-o", "best.npy").code == 0
    refused("sample", "run", "--checkpoint", "worst", says="has no checkpoint worst")
    said = sparring("evaluate", "run", "--checkpoint", "best", "--json")
    assert said.code == 0
