import itertools
import os
import signal
import threading

import pytest

from sparring.errors import UserError
from sparring.pacing import Allowance, Cadence, Meter, interruptions


def test_rounds_are_due_at_every_multiple() -> None:
    cadence = Cadence("3", "log_every")
    assert [round for round in range(1, 11) if cadence.due(round, 0.0)] == [3, 6, 9]
    assert cadence.due(9, 1e9)  # whatever the time


def test_seconds_are_due_when_they_have_passed_since_the_last_time() -> None:
    cadence = Cadence("2s", "log_every")
    times = [0.5, 1.9, 2.0, 2.1, 3.9, 4.5, 6.4, 6.5, 60.0, 61.9, 62.0]
    assert [time for time in times if cadence.due(7, time)] == [2.0, 4.5, 6.5, 60.0, 62.0]


def test_fractions_of_a_second_are_periods() -> None:
    assert Cadence("0.5s", "x").due(1, 0.5)
    assert not Cadence("0.5s", "x").due(1, 0.4)


@pytest.mark.parametrize(
    "every",
    ["", "s", "0", "0s", "-1", "-2s", "nan", "nans", "often", "1m", "20S", "1,5s", "inf", "1e400", "2.7", "0.5"],
)
def test_what_is_no_period_is_refused(every: str) -> None:
    with pytest.raises(UserError, match=r"^log_every = .* is not a period \(seconds such as 20s"):
        Cadence(every, "log_every")


def spent_over(allowance: Allowance, length: int, cost: float, paces: bool = False) -> list[int]:
    """The seconds at which something was done, by a clock that it moves on."""
    at, clock = [], 0.0
    while clock < length:
        clock += 1.0
        if paces:
            allowance.pace(clock, clock / length)
        if allowance.due(clock):
            at.append(round(clock))
            allowance.spent += cost
            clock += cost
            allowance.did(clock, cost)
    return at


def test_an_allowance_is_spent_evenly_over_a_run_of_known_length() -> None:
    times = spent_over(Allowance(0.05, 1.0, total=1000.0), 1000, 1.0)
    # a twentieth pays for 50, less what is kept for the end
    assert 46 <= len(times) <= 50
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert times[0] == 1
    assert 16 <= min(gaps) <= max(gaps) <= 24


def test_an_allowance_that_does_not_pay_for_it_once_is_never_due() -> None:
    assert not spent_over(Allowance(0.05, 10.0, total=199.0), 199, 10.0)
    # what is kept for the end is not there either
    assert not Allowance(0.05, 10.0, total=499.0).due(1.0)
    assert Allowance(0.05, 10.0, total=501.0).due(1.0)


def test_an_allowance_of_a_run_of_unknown_length_is_spent_as_it_accrues() -> None:
    allowance = Allowance(0.1, 2.0)
    assert not allowance.due(19.0)
    assert allowance.due(20.0)
    allowance.spent += 2.0
    allowance.did(20.0, 2.0)
    assert not allowance.affords(39.0)
    assert allowance.affords(40.0)


def test_the_length_of_a_run_is_estimated_from_its_pace_after_the_first_round() -> None:
    allowance = Allowance(0.05, 1.0)
    allowance.pace(100.0, 0.01)  # the first round takes long, and is no pace
    for k in range(1, 4):
        allowance.pace(100.0 + k, 0.01 + 0.01 * k)
        assert not allowance.due(10.0)
    allowance.pace(104.0, 0.05)
    # 104 s, and 95 more, over the share that is left: 209 s, of which a twentieth pays for ten
    assert allowance.due(10.0)
    allowance.spent, expected = 1.0, (104 + 95) / 0.95
    allowance.did(10.0, 1.0)
    gap = (expected - 10.0) / (0.05 * expected - 1.0 - 1.5)
    assert not allowance.due(10.0 + gap - 0.1)
    assert allowance.due(10.0 + gap + 0.1)


def test_what_was_spent_before_is_no_part_of_the_pace() -> None:
    allowance = Allowance(0.05, 1.0, spent=4.0)
    for k in range(5):
        allowance.pace(14.0 + k, 0.1 + 0.1 * k)
    # 14 s without it, 5 more to come, over the share that is left: 20 s, of which a twentieth is long spent
    assert not allowance.due(15.0)
    generous = Allowance(0.5, 1.0, spent=4.0)
    for k in range(5):
        generous.pace(14.0 + k, 0.1 + 0.1 * k)
    gap = (19.0 / 0.5) / (0.5 * 19.0 / 0.5 - 4.0 - 1.5)
    assert not generous.due(gap - 0.1)
    assert generous.due(gap + 0.1)


def test_what_costs_nothing_is_not_done_all_the_time() -> None:
    allowance = Allowance(0.05, 1e-6, total=1000.0)
    allowance.spent = 1e-6
    allowance.did(500.0, 1e-6)
    assert not allowance.due(502.0)
    assert allowance.due(503.0)


def test_a_meter_reads_means_over_the_rounds_that_had_the_term() -> None:
    meter = Meter(images=100, seconds=10.0)
    meter.add({"d": 1.0, "g": 4.0})
    meter.add({"d": 2.0})
    meter.add({"d": 6.0, "penalty": 9.0})
    terms, rate = meter.read(images=400, seconds=12.0)
    assert terms == {"d": 3.0, "g": 4.0, "penalty": 9.0}
    assert rate == 150.0


def test_a_reading_starts_the_meter_anew() -> None:
    meter = Meter(images=0, seconds=0.0)
    meter.add({"d": 100.0, "g": 1.0})
    meter.read(images=50, seconds=1.0)
    meter.add({"d": 1.0})
    assert meter.read(images=60, seconds=3.0) == ({"d": 1.0}, 5.0)
    assert meter.read(images=60, seconds=3.0) == ({}, 0.0)  # no time has passed


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event_and_the_handlers_come_back(number: signal.Signals) -> None:
    second = []
    before = signal.signal(number, lambda *_: second.append(1))
    try:
        handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
        with interruptions() as asked:
            assert not asked.is_set()
            send(number)
            assert asked.wait(1)
            assert second == []
            send(number)
            assert second == [1]  # the second one acts as it always did
        assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == handlers
        send(number)
        assert second == [1, 1]
    finally:
        signal.signal(number, before)


def test_handlers_come_back_after_an_error_and_without_a_signal() -> None:
    handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]

    def fail() -> None:
        with interruptions():
            assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] != handlers
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    with interruptions() as asked:
        pass
    assert not asked.is_set()
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == handlers


def test_other_threads_get_an_event_that_nothing_sets() -> None:
    found = []

    def play() -> None:
        with interruptions() as asked:
            found.append(asked.is_set())

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert found == [False]
