"""From signals to verdicts: each disease beside the healthy game that differs from it by one sign."""

from dataclasses import replace

import numpy as np
import pytest

from sparring.doctor import TROUBLE, VERDICTS, Reading, Signals, diagnose

WELL = Signals(
    auc=0.7,
    auc_held_out=0.69,
    gap=0.51,
    gap_error=0.026,
    score=1.0,
    gradient=1.0,
    update_generator=1e-3,
    update_discriminator=1e-3,
    weights_generator=10.0,
    weights_discriminator=10.0,
    judge=0.9,
    judge_low=0.87,
    judge_high=0.93,
    distance=1.0,
    floor=0.0,
    spread=1.0,
    distinct=1.0,
    precision=0.2,
    recall=0.6,
    lost=0.0,
    classes_lost=0.0,
    copies=0.01,
    moved=0.3,
    swung=0.1,
)


def course(*, falling: bool = False, length: int = 20, begin: dict | None = None, **signs: float) -> list[Reading]:
    """A game whose distance stays or falls, and the signs that it shows from its fifth examination on."""
    distances = np.geomspace(4, 0.2, length) if falling else np.concatenate([[4, 2], np.full(length - 2, 1.0)])
    early = replace(WELL, **begin or {})
    return [
        Reading(100 * k, replace(early if k < 4 else replace(WELL, **signs), distance=float(distances[k])))
        for k in range(length)
    ]


SICK = {
    "diverged": {"score": 1e5},
    "vanishing-gradients": {"auc": 1.0, "gradient": 1e-5},
    "stalled": {"moved": 1e-4},
    "memorising": {"copies": 0.4},
    "discriminator-overfitting": {"gap": 0.8},
    "junk-feedback": {"auc": 0.5},
    "mode-collapse": {"lost": 0.8, "spread": 0.2},
    "oscillating": {"swung": 0.7},
}


def test_every_trouble_is_tested():
    assert set(SICK) == set(TROUBLE) < set(VERDICTS)


@pytest.mark.parametrize("disease", SICK)
def test_a_disease_is_named_and_nothing_is_without_its_sign(disease):
    verdict = diagnose(course(**SICK[disease]))
    assert verdict.verdict == disease
    assert verdict.confidence >= 0.75
    assert any(character.isdigit() for character in verdict.evidence)
    assert "--" in verdict.advice
    assert diagnose(course()).verdict == "learning"


@pytest.mark.parametrize("disease", SICK)
def test_one_bad_examination_is_none(disease):
    history = course()
    history[-1] = replace(history[-1], signals=replace(history[-1].signals, **SICK[disease]))
    assert diagnose(history).verdict == "learning"


@pytest.mark.parametrize("disease", ["diverged", "stalled", "junk-feedback", "mode-collapse", "oscillating"])
def test_what_comes_nearer_to_the_data_is_not_called_sick(disease):
    assert diagnose(course(falling=True, **SICK[disease])).verdict == "learning"


@pytest.mark.parametrize("disease", SICK)
def test_a_young_game_is_warming_up(disease):
    assert diagnose(course(**SICK[disease])[:4]).verdict == "warming-up"


def test_a_gradient_is_dead_beside_what_it_was_or_beside_the_slope_of_d():
    always = {"auc": 1.0, "gradient": 1e-5}
    assert diagnose(course(begin=always, **always)).verdict == "learning"
    verdict = diagnose(course(begin=always, **always, passed=2e-5))
    assert verdict.verdict == "vanishing-gradients"
    assert "2e-05 of what D's scores would give it" in verdict.evidence
    assert diagnose(course(begin=always, **always, passed=1.0)).verdict == "learning"
    assert diagnose(course(begin=always, **always, passed=0.04)).verdict == "vanishing-gradients"
    assert diagnose(course(begin=always, **always, passed=0.04, falling=True)).verdict == "learning"
    assert diagnose(course(begin=always, **always, passed=0.04, moved=2.0)).verdict == "oscillating"
    assert diagnose(course(begin={"gradient": 0.0}, auc=1.0, gradient=0.0)).verdict == "vanishing-gradients"


def test_a_generator_that_moves_and_gets_nowhere_has_stalled():
    def at(distance: float) -> list[Reading]:
        history = course()
        return history[:2] + [replace(r, signals=replace(r.signals, distance=distance)) for r in history[2:]]

    verdict = diagnose(at(3.0))
    assert verdict.verdict == "stalled"
    assert "at a distance of 3 from the data, from 4 in the beginning, and no nearer for 900 rounds" in verdict.evidence
    assert diagnose(at(1.5)).verdict == "learning"
    assert diagnose(at(3.0)[:10]).verdict == "learning"


def test_no_number_is_diverged_at_once():
    assert diagnose([Reading(0, WELL), Reading(100, Signals(finite=False))]).verdict == "diverged"


def test_weights_ten_times_as_long_as_at_first_are_diverged_where_scores_are_large_or_samples_far_from_the_data():
    def at(distance: float, **signs: float) -> str:
        return diagnose(
            [
                *course()[:2],
                *(replace(r, signals=replace(r.signals, distance=distance)) for r in course(**signs)[2:]),
            ]
        ).verdict

    assert at(2.0, weights_generator=150.0) == "diverged"
    assert at(1.9, weights_generator=150.0) == "learning"
    assert at(1.9, weights_generator=150.0, score=200.0) == "diverged"
    assert at(1.9, score=200.0) == "learning"
    assert at(1.9, weights_generator=30.0) == "learning"
    assert at(2.0, weights_generator=30.0) != "diverged"
    assert at(2.0, weights_generator=150.0, judge=0.6, judge_low=0.55) == "learning"


def test_half_of_right_answers_has_two_causes():
    converged = diagnose(course(auc=0.5, judge=0.52, judge_low=0.48, judge_high=0.56))
    assert converged.verdict == "converged"
    assert converged.advice == ""
    assert diagnose(course(auc=0.5, judge=0.98, judge_low=0.96)).verdict == "junk-feedback"


def test_a_game_that_gets_better_has_not_converged():
    near = {"auc": 0.5, "judge": 0.52, "judge_low": 0.48}
    assert diagnose(course(falling=True, **near)).verdict == "learning"
    assert diagnose(course(**near | {"auc": 0.9})).verdict == "learning"


def test_most_examinations_must_agree_that_it_has_converged():
    near = {"auc": 0.5, "judge": 0.52, "judge_low": 0.48}
    history = course(**near)
    for k in (-2, -3):
        history[k] = replace(history[k], signals=replace(history[k].signals, judge=0.9))
    assert diagnose(history).verdict == "learning"


def test_a_discriminator_that_learns_is_at_chance_for_long_before_it_is_junk():
    at_chance = {"auc": 0.5}
    assert diagnose(course(**at_chance)[:9]).verdict == "learning"
    assert diagnose(course(**at_chance, update_discriminator=0.0)[:9]).verdict == "junk-feedback"
    assert diagnose(course(**at_chance, lost=0.9, spread=0.2)).verdict == "mode-collapse"
    assert diagnose(course(auc=0.1, lost=0.9, spread=0.2)).verdict == "junk-feedback"


def test_what_lies_among_reals_was_not_learned_from_junk():
    at_chance = {"auc": 0.5, "precision": 0.95, "recall": 0.4}
    assert diagnose(course(**at_chance)).verdict == "learning"
    assert diagnose(course(**at_chance | {"recall": 0.2})).verdict == "junk-feedback"
    assert diagnose(course(**at_chance | {"precision": 0.2})).verdict == "junk-feedback"
    # a D that does not learn at all has no part in it
    assert diagnose(course(**at_chance, update_discriminator=0.0)).verdict == "junk-feedback"


def test_a_game_that_begins_to_spread_its_samples_has_not_collapsed():
    history = course(lost=0.9, begin={"spread": 0.01, "lost": 0.9}, spread=0.2)
    slowly = [
        replace(r, signals=replace(r.signals, spread=0.01 * k, distance=3.0)) for k, r in enumerate(history, start=1)
    ]
    assert diagnose(history).verdict == "mode-collapse"
    assert diagnose(slowly).verdict != "mode-collapse"


def test_the_last_examination_goes_by_the_last_step_that_was_heard():
    history = course(**SICK["vanishing-gradients"])
    history[-1] = replace(history[-1], signals=replace(history[-1].signals, gradient=None, passed=None))
    assert diagnose(history).verdict == "vanishing-gradients"


def test_one_long_gradient_is_no_history():
    history = course(auc=1.0)
    history[3] = replace(history[3], signals=replace(history[3].signals, gradient=1e4))
    assert diagnose(history).verdict == "learning"


def test_a_discriminator_that_is_wrong_more_often_than_not_is_junk_even_where_samples_come_nearer():
    wrong = course(falling=True, auc=0.3, judge=0.98, judge_low=0.96)
    assert diagnose(wrong).verdict == "junk-feedback"
    assert "contrary" in diagnose(wrong).evidence
    assert diagnose(wrong[:9]).verdict == "learning"
    assert diagnose(course(falling=True, auc=0.45, judge=0.98, judge_low=0.96)).verdict == "learning"
    assert diagnose(course(falling=True, auc=0.3, judge=0.6, judge_low=0.5)).verdict == "learning"


def test_a_discriminator_that_is_wrong_half_of_the_time_is_not_yet_junk():
    def often(count: int) -> str:
        history = course(falling=True, auc=0.9, judge=0.98, judge_low=0.96)
        wrong = [replace(r, signals=replace(r.signals, auc=0.1)) for r in history[-10:]]
        return diagnose([*history[:-10], *wrong[:count], *history[-10 + count :]]).verdict

    assert [often(0), often(5), often(8)] == ["learning", "learning", "junk-feedback"]


def test_a_frozen_generator_before_a_broken_discriminator_gets_junk_and_an_untrained_one_stalls():
    still = {"moved": 0.0, "update_generator": 0.0, "update_discriminator": 0.0, "auc": 0.5, "judge_low": 0.97}
    assert diagnose(course(**still)).verdict == "junk-feedback"
    assert diagnose(course(**still | {"lost": 0.9, "spread": 0.02})).verdict == "stalled"
    assert diagnose(course(**still | {"auc": 0.9})).verdict == "stalled"
    deceived = {"auc": 0.0, "lost": 0.9, "spread": 0.02, "moved": 0.002}
    assert diagnose(course(**deceived)).verdict == "stalled"
    assert diagnose(course(**deceived, update_discriminator=1e-12)).verdict == "junk-feedback"


def test_a_game_on_its_way_may_throw_its_samples_about_but_not_by_more_than_the_data_is_wide():
    assert diagnose(course(falling=True, swung=0.7, moved=1.0)).verdict == "learning"
    assert diagnose(course(falling=True, swung=0.7, moved=3.0)).verdict == "oscillating"
    assert diagnose(course(swung=0.7, moved=3.0)[:9]).verdict == "oscillating"
    assert diagnose(course(swung=0.7, moved=1.0)[:9]).verdict == "learning"


def test_an_orbit_is_seen_though_it_is_looked_at_now_and_then():
    def seen(flung: int, passing: int) -> str:
        """The verdict where so many of the last ten examinations are flung, and so many find samples near the data."""
        history = course()
        for k, reading in enumerate(history[-10:], len(history) - 10):
            moved, judge = (2.0 if (k * 7) % 10 < flung else 0.1), (0.5 if (k * 3) % 10 < passing else 0.95)
            history[k] = replace(reading, signals=replace(reading.signals, moved=moved, judge_low=judge))
        return diagnose(history).verdict

    assert seen(6, 4) == "oscillating"
    assert seen(4, 4) == "learning"
    assert seen(6, 6) == "learning"
    assert seen(1, 0) == "learning"


def test_half_of_the_data_lost_is_no_full_collapse_and_samples_that_are_all_alike_are_one():
    assert "full" in diagnose(course(spread=0.2)).evidence
    assert "partial" in diagnose(course(lost=0.6, spread=0.75)).evidence
    assert diagnose(course(spread=0.6)).verdict == "learning"


def test_a_discriminator_that_does_not_learn_is_junk_at_once_and_a_slow_one_lets_g_collapse():
    fooled = {"auc": 0.02, "lost": 0.9, "spread": 0.2}
    assert diagnose(course(falling=True, **fooled, update_discriminator=1e-12)).verdict == "junk-feedback"
    slow = {"auc": 0.5, "lost": 0.9, "spread": 0.5}
    assert diagnose(course(**slow)).verdict == "mode-collapse"


def test_noise_that_is_near_to_the_data_by_luck_is_not_where_a_collapse_is_measured_from():
    def from_luck(spread: float) -> list[Reading]:
        young = course(lost=0.8, spread=spread, length=8)
        return [replace(r, signals=replace(r.signals, distance=1.0 + (k > 0))) for k, r in enumerate(young)]

    assert diagnose(from_luck(0.75)).verdict == "learning"
    assert diagnose(from_luck(0.2)).verdict == "mode-collapse"


def test_a_collapse_says_how_much_is_lost():
    assert "full: 80%" in diagnose(course(lost=0.8, spread=0.2)).evidence
    assert "two samples are 20% as far apart" in diagnose(course(lost=0.8, spread=0.2)).evidence
    assert "partial: 40%" in diagnose(course(lost=0.4, spread=0.75)).evidence
    assert "partial: 12%" in diagnose(course(classes_lost=0.125)).evidence
    assert diagnose(course(lost=0.2, classes_lost=0.05, spread=0.75)).verdict == "learning"


def test_regions_are_lost_only_where_samples_have_moved_together():
    assert diagnose(course(lost=0.33, spread=0.71)).verdict == "mode-collapse"
    assert diagnose(course(lost=0.33, spread=0.95)).verdict == "learning"


def test_the_gap_of_few_held_out_reals_must_exceed_its_error():
    assert diagnose(course(gap=0.7, gap_error=0.1)).verdict == "learning"
    assert diagnose(course(gap=0.85, gap_error=0.1)).verdict == "discriminator-overfitting"


def test_what_was_not_measured_is_no_sign():
    history = [Reading(100 * k, Signals(auc=0.9)) for k in range(20)]
    assert diagnose(history).verdict == "learning"


def test_the_record_of_signals_reads_back():
    signals = replace(WELL, classes=(1.0, 0.5), loss_swings={"d/real": 0.123456}, gradient_layers={"G.w": 1e-9})
    assert Signals(auc=float("inf"), loss_swings={"d": float("nan")}).to_dict() == {"finite": True, "loss_swings": {}}
    back = Signals.from_dict(signals.to_dict() | {"unknown": 1})
    assert back.classes == (1.0, 0.5)
    assert back.loss_swings == {"d/real": 0.12346}
    assert back.auc == 0.7
    assert Signals.from_dict(Signals(finite=False).to_dict()) == Signals(finite=False)


@pytest.mark.parametrize("disease", ["stalled", "junk-feedback"])
def test_a_game_whose_rates_have_fallen_is_not_to_learn_any_further(disease):
    sick = course(**SICK[disease])
    at_rate = [replace(each, signals=replace(each.signals, rate=1.0)) for each in sick]
    assert diagnose(at_rate).verdict == disease
    slowed = [replace(each, signals=replace(each.signals, rate=1.0 if k < 6 else 0.4)) for k, each in enumerate(sick)]
    assert diagnose(slowed).verdict == "learning"
    late = [replace(each, signals=replace(each.signals, rate=1.0 if k < 18 else 0.4)) for k, each in enumerate(sick)]
    assert diagnose(late).verdict == disease


def test_fallen_rates_hide_no_collapse():
    gone = [replace(each, signals=replace(each.signals, rate=0.1)) for each in course(**SICK["mode-collapse"])]
    assert diagnose(gone).verdict == "mode-collapse"
