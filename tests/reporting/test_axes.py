import numpy as np
import pytest

from sparring.reporting.axes import Axis, tick_labels


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [([1e-3, 1.1], True), ([1e-3, 0.9], False), ([0, 1e6], False), ([-1, 1e6], False), ([1e-30, 1], True)],
)
def test_an_axis_is_logarithmic_from_three_decades_of_positive_values_on(values, logarithmic):
    assert Axis.over(np.array(values, float)).logarithmic == logarithmic


def test_what_an_axis_should_show_it_shows_unless_it_is_logarithmic():
    assert Axis.over(np.array([2.0, 3.0]), within=(0.0, 9.0)).low == 0 < 9 < Axis.over(np.array([2.0]), (9.0,)).high
    assert Axis.over(np.array([1e-4, 3.0]), within=(0.0,)).logarithmic


@pytest.mark.parametrize("seed", range(20))
def test_ticks_lie_on_the_axis_few_and_even_and_say_their_value(seed):
    rng = np.random.default_rng(seed)
    axis = Axis.over(rng.normal(size=9) * 10.0 ** rng.integers(-3, 5) + rng.normal() * 10)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 6
    assert all(0 <= place <= 1 for place in axis.place(np.array(ticks)))
    assert np.ptp(np.diff(ticks)) < 1e-6 * (ticks[1] - ticks[0])
    assert [float(label.replace(",", "")) for label in axis.labels()] == pytest.approx(ticks, abs=1e-9)


def test_ticks_of_a_logarithmic_axis_are_powers_of_ten():
    axis = Axis.over(np.array([2e-9, 3e4]))
    assert 2 <= len(axis.ticks()) <= 5
    for label, tick in zip(axis.labels(), axis.ticks(), strict=True):
        assert float(label.replace(",", "")) == pytest.approx(tick)
        assert np.log10(tick) == pytest.approx(round(np.log10(tick)))


def test_zero_is_not_negative():
    assert tick_labels([-0.1, -0.0 + 0.0, 0.1])[1] == "0.0"
