import re

import numpy as np
import pytest

from sparring.reporting.curves import BUCKETS, Chart, Line, apart, draw, summary, thinned
from sparring.reporting.story import Series


def series(values, rounds=None) -> Series:
    values = np.array(values, float)
    return Series(np.arange(len(values)) if rounds is None else np.array(rounds), values)


def chart(*values, **more) -> Chart:
    return Chart("loss", tuple(Line(series(each)) for each in values), **more)


def paths(figure: str, kind: str) -> list[str]:
    return re.findall(rf'<path d="([^"]*)" class="{kind}[^"]*">', figure)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?\d+) (-?\d+)", path)]


def test_spikes_and_both_ends_survive_thinning():
    values = np.random.default_rng(0).normal(size=100_000)
    values[12_345], values[77_777] = 50.0, -60.0
    few = thinned(series(values))
    assert len(few.values) <= 2 * BUCKETS + 2
    assert {12_345, 77_777, 0, 99_999} <= set(few.rounds.tolist())
    assert np.array_equal(few.values, values[few.rounds])
    assert (np.diff(few.rounds) > 0).all()


def test_a_short_series_is_left_alone():
    short = series(range(2 * BUCKETS))
    assert thinned(short) is short


def test_gaps_survive_thinning():
    values = np.ones(10_000)
    values[5000:5100], values[9_000:] = np.nan, np.inf
    few = thinned(series(values))
    gone = few.rounds[~np.isfinite(few.values)]
    assert ((gone >= 5000) & (gone < 5100)).any()
    assert (gone >= 9000).any()


@pytest.mark.parametrize("values", [[0.0], [5.0], [3.0, 3.0], [1e38, -1e38], [1e-300, 2e-300], [1, 1 + 1e-15], [0, 0]])
def test_any_finite_values_can_be_drawn(values):
    figure, _ = draw(chart(values), len(values))
    (path,) = paths(figure, "curve") + paths(figure, "dot")
    assert all(0 <= y <= 1000 for _, y in points(path))


def test_a_curve_is_where_its_values_are():
    figure, _ = draw(Chart("loss", (Line(series([0.0, 1.0, 0.0], [0, 5, 10])),)), 10)
    (left, top), (middle, peak), (right, end) = points(paths(figure, "curve")[0])
    assert (left, middle, right) == (0, 500, 1000)
    assert peak < top == end == 1000


def test_a_curve_is_broken_where_values_are_missing_and_a_lone_one_is_a_dot():
    figure, numbers = draw(chart([1.0, 2.0, np.nan, 3.0, np.inf, 4.0, 5.0]), 6)
    assert paths(figure, "curve")[0].count("M") == 2
    assert paths(figure, "dot") == ["M500 500h0"]
    assert numbers["lines"][0]["values"] == [1.0, 2.0, None, 3.0, None, 4.0, 5.0]


def test_a_band_a_rule_and_a_mark_are_drawn_inside():
    low, high = series([0.4, 0.5]), series([0.6, 0.7])
    more = {"percent": True, "rule": (0.3, "chance"), "band": (low, high), "mark": (1, 0.9, "best")}
    figure, _ = draw(chart([0.5, 0.6], **more), 1)
    for kind, corners in (("band", 4), ("dot mark", 1)):
        found = points(paths(figure, kind)[0])
        assert len(found) == corners
        assert all(0 <= y <= 1000 for _, y in found)
    assert len(paths(figure, "rule")) == 1
    for text in ("best", "chance", "<b>30%</b>", "<b>60%</b>"):
        assert text in figure


@pytest.mark.parametrize("seed", range(10))
def test_labels_never_lie_on_one_another_and_move_no_further_than_they_must(seed):
    rng = np.random.default_rng(seed)
    places = rng.random(rng.integers(1, 6)).tolist()
    moved = apart(places, 0.1)
    assert (np.diff(np.sort(moved)) > 0.1 - 1e-9).all()
    assert np.mean(moved) == pytest.approx(np.mean(places))
    assert apart([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]


def test_a_chart_says_in_words_what_it_shows():
    said = summary(Chart("loss", (Line(series([3.0, np.nan, 1.0, 2.0], [10, 20, 1000, 1200]), "judge"),)))
    assert said == "judge: 3 at round 10, 2 at round 1,200; lowest 1 at round 1,000, highest 3 at round 10."
    assert (
        f'aria-label="{said}"' in draw(Chart("loss", (Line(series([3.0, 1.0, 2.0], [10, 1000, 1200]), "judge"),)), 9)[0]
    )
