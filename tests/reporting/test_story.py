import json
import math

import numpy as np
import pytest

from sparring.errors import UserError
from sparring.reporting.story import gather


def test_a_log_is_taken_apart(make, terms, health):
    log = [*terms([2, 4, 6], **{"critic/real": 1.5}), health(3), health(6, "mode-collapse", confidence=0.6)]
    story = gather(make(log=log))
    assert (story.round, story.images, story.seconds) == (6, 24, 3.0)
    assert story.terms["critic/real"].rounds.tolist() == [2, 4, 6]
    assert story.terms["critic/real"].values.tolist() == [1.5] * 3
    assert [(r.round, r.verdict, r.tone, r.trouble) for r in story.readings] == [
        (3, "learning", "going", False), (6, "mode-collapse", "bad", True)
    ]  # fmt: skip
    assert story.signal("distance").values.tolist() == [0.3, 0.3]
    assert story.classes == (1.0, 0.5, 0.0)
    assert [round for round, _ in story.sheets] == [0, 5, 9]


def test_a_verdict_that_nobody_knows_is_a_trouble(make, health):
    (reading,) = gather(make(log=[health(1, "haunted")])).readings
    assert reading.trouble


def test_a_run_with_nothing_but_its_config(make):
    story = gather(make(log=[], sheets=[]))
    assert (story.round, story.terms, story.readings, story.sheets, story.best) == (0, {}, (), (), None)


def test_what_is_cut_short_or_is_no_record_is_left_out(make, terms):
    run = make(log=terms([1, 2]))
    with (run / "log.jsonl").open("a") as file:
        file.write('3\n"x"\nnull\n{"round": "4"}\n{"terms": {"a": 1}}\n{"kind": "terms", "round": 9, "imag')
    story = gather(run)
    assert story.round == 2
    assert set(story.terms) == {"discriminator/real", "generator/fake"}


SIGNALS = ["accuracy", "judge", "judge_low", "distance", "floor", "precision", "classes"]


@pytest.mark.parametrize("missing", [*SIGNALS, "verdict", "confidence", "evidence", "advice", "signals"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_anything_may_be_missing_in_a_reading(make, terms, health, missing, how):
    record = health(4)
    for table in (record, record["signals"]):
        if missing in table:
            changed = {key: value for key, value in table.items() if key != missing}
            changed |= {missing: None} if how == "null" else {}
            record = changed if table is record else record | {"signals": changed}
    story = gather(make(log=[*terms([1]), record]))
    assert not story.signal(missing)
    assert len(story.readings) == 1


def test_a_run_that_was_restored_was_played_to_its_last_round_all_the_same(make, terms, health):
    run = make(log=[*terms([1, 5, 9]), health(9, "mode-collapse")])
    with (run / "log.jsonl").open("a") as file:
        file.write('{"kind": "restored", "round": 5, "images": 20, "seconds": 6.0}\n')
    story = gather(run)
    assert (story.round, story.images, story.restored) == (9, 36, 5)
    assert gather(make(name="other")).restored is None


def test_a_run_that_went_on_after_it_was_restored_is_no_longer_restored(make, terms):
    run = make(log=terms([1, 5]))
    with (run / "log.jsonl").open("a") as file:
        file.write('{"kind": "restored", "round": 5, "images": 20, "seconds": 6.0}\n')
        file.writelines(json.dumps(each) + "\n" for each in terms([7, 9]))
    assert gather(run).restored is None


def test_values_that_are_no_numbers_are_gaps(make, terms):
    log = terms([1, 2, 3, 4])
    for record, value in zip(log, (1.0, math.nan, None, "x"), strict=True):
        record["terms"] = {"generator/fake": value, "generator/lost": None}
    story = gather(make(log=log))
    assert np.isfinite(story.terms["generator/fake"].values).tolist() == [True, False, False, False]
    assert "generator/lost" not in story.terms


def test_a_boolean_is_no_curve(make, health):
    assert not gather(make(log=[health(1)])).signal("finite")


def test_the_newest_classes_and_the_newest_evaluation_count(make, health):
    late, empty = {"classes": [0.1, 0.2]}, {"classes": None}
    run = make(log=[health(1), health(2, signals=late), health(3, signals=empty), health(4, signals={})])
    lines = [{"round": 1, "rows": []}, {"round": 2, "rows": []}, {"round": 3}, 7]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    story = gather(run)
    assert story.classes == (0.1, 0.2)
    assert story.evaluation == {"round": 2, "rows": []}


def test_the_best_checkpoint_counts_if_it_is_there(make):
    run = make()
    (run / "checkpoints" / "000009").mkdir(parents=True)
    (run / "checkpoints" / "best.json").write_text('{"round": 4, "distance": 0.25}')
    story = gather(run)
    assert story.best == (4, 0.25)
    assert story.checkpoint == "latest"
    (run / "checkpoints" / "best").mkdir()
    assert story.checkpoint == "best"


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"round": 4}', '{"round": null, "distance": 1}'])
def test_a_damaged_best_is_none(make, content):
    run = make()
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "best.json").write_text(content)
    assert gather(run).best is None


def test_what_is_not_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        gather(tmp_path)
    (tmp_path / "config.toml").write_text('[data]\nsource = "digits"\n')
    with pytest.raises(UserError, match="was not written by a run"):
        gather(tmp_path)
