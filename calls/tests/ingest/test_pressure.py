"""When shedding begins and ends, for any sequence of waiting times."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.ingest.pressure import (
    ALL_ABOVE,
    FULL_TRANSACTION,
    LEAST_OPEN_S,
    LEAST_SHARE,
    LINGER_S,
    STAND_S,
    TICK_S,
    UNREAD_WINDOW_S,
    Load,
    LoopLag,
    Shedding,
    Speed,
    Unread,
    WriterTime,
    thread_seconds,
)

LIMIT_S, CALM_S = 0.25, 2.0


def course(*waits, step_s=0.05):
    """Note one wait every ``step_s``. Returns after which of them it sheds."""
    shedding = Shedding(LIMIT_S, CALM_S)
    return [shedding.note(wait, at * step_s) for at, wait in enumerate(waits)]


class Loop:
    """Stands for an event loop whose rounds take as long as the test says."""

    def __init__(self):
        self.now, self.timers = 0.0, []

    def time(self):
        return self.now

    def call_at(self, moment, function, *arguments):
        self.timers.append((moment, function, arguments))

    def take_round(self, seconds):
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, function, arguments in due:
            function(*arguments)


def refused_of(shedding, requests):
    """Return which share of so many requests is refused."""
    return sum(shedding.refuses() for _ in range(requests)) / requests


@pytest.mark.parametrize(
    ("above", "share"), [(0.6, 0), (1, 0), (1.2, 0.05), (2, 0.25), (3, 0.5), (ALL_ABOVE, 1)]
)
def test_more_requests_are_refused_the_longer_they_would_wait(above, share):
    shedding = Shedding(LIMIT_S, CALM_S)
    shedding.note(1.0, 0.0)

    shedding.note(above * LIMIT_S, 0.05)

    assert refused_of(shedding, 200) == pytest.approx(share, abs=0.01)


def test_nothing_is_refused_without_overload():
    shedding = Shedding(LIMIT_S, CALM_S)
    shedding.note(1.2 * LIMIT_S, 0.0)

    assert refused_of(shedding, 100) == 0


def test_transactions_that_take_too_long_are_overload_also_right_after_each():
    shedding = Shedding(LIMIT_S, CALM_S)

    for at in range(20):
        shedding.note_stored(1.2 * LIMIT_S, at * 0.1)
        found = shedding.note(0.0, at * 0.1)  # nothing waits at this moment

    assert found
    assert not shedding.note(0.0, 2.0 + STAND_S + CALM_S)


def test_the_lag_of_a_loop_is_known_however_late_it_is():
    loop, lag = Loop(), LoopLag()

    for _ in range(10):
        lag.watch(loop)
        loop.take_round(4 * LINGER_S)

    assert lag.now_s() >= 4 * LINGER_S - TICK_S


def test_a_new_loop_is_not_late_because_another_was():
    slow, lag = Loop(), LoopLag()
    lag.watch(slow)
    slow.take_round(4 * LINGER_S)

    lag.watch(Loop())

    assert lag.now_s() == 0.0


def test_the_timer_of_the_lag_ends_when_packets_do():
    loop, lag = Loop(), LoopLag()
    lag.watch(loop)
    loop.take_round(3.0)

    for _ in range(100):
        loop.take_round(TICK_S)

    assert loop.timers == []
    assert lag.now_s() == 0.0


def test_one_slow_commit_is_not_overload():
    assert not any(course(0.1, 0.3, 0.4, 0.45, 0.0, 0.0))


def test_a_persistent_queue_is_overload():
    assert course(*[0.3] * 7)[-1]


def test_a_wait_far_above_the_limit_is_overload_at_once():
    assert course(LIMIT_S + STAND_S) == [True]


def test_overload_ends_after_a_calm_period_and_not_in_the_first_pause():
    found = course(1.0, *[0.0] * 20, 1.0, *[0.0] * 45)

    assert all(found[:22])
    assert not found[-1]


def test_overload_continues_between_half_the_limit_and_the_limit():
    assert all(course(1.0, *[0.2] * 200))


def test_a_quiet_time_without_packets_counts_as_calm():
    shedding = Shedding(LIMIT_S, CALM_S)
    assert shedding.note(1.0, 100.0)

    assert not shedding.note(0.0, 100.0 + CALM_S)


@given(st.lists(st.floats(0, 30), max_size=60))
def test_overload_ends_within_five_seconds_whatever_came_before(waits):
    found = course(*waits, *[0.0] * 100)

    assert not found[-1]


@given(st.lists(st.floats(0, LIMIT_S * 0.99), max_size=100))
def test_below_the_limit_nothing_is_ever_refused(waits):
    assert not any(course(*waits))


@given(st.lists(st.tuples(st.integers(1, 5_000), st.floats(0, 10)), max_size=50))
def test_requests_may_wait_between_a_part_of_the_limit_and_all_of_it(transactions):
    speed = Speed()
    for packets, took_s in transactions:
        speed.note(packets, took_s)

    assert LEAST_SHARE * LIMIT_S <= speed.limit_s(LIMIT_S) <= LIMIT_S


def speed_of(*commits):
    speed = Speed()
    for took_s in commits:
        speed.note(1, took_s)
    return speed


def test_requests_may_wait_longer_for_a_slow_disk_than_for_a_fast_one():
    assert speed_of().limit_s(LIMIT_S) == LIMIT_S  # nothing is known
    assert speed_of(*[0.005] * 100).limit_s(LIMIT_S) == pytest.approx(LEAST_SHARE * LIMIT_S)
    assert speed_of(*[0.2] * 100).limit_s(LIMIT_S) == LIMIT_S


def test_one_slow_commit_does_not_make_a_disk_slow():
    assert speed_of(*[0.005] * 100, 0.2).limit_s(LIMIT_S) < 0.5 * LIMIT_S


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_the_load_is_a_share_whatever_was_measured(steps):
    load, now, busy_s = Load(), 100.0, 7.0

    for seconds, share in steps:
        now, busy_s = now + seconds, busy_s + seconds * share
        load.note(now, busy_s)

    assert 0 <= load.share <= 1


def load_of(*shares, load=None):
    """Measure a thread that is busy for these shares of one interval each."""
    load, busy_s = load or Load(), 0.0
    for at, share in enumerate(shares):
        busy_s += share * TICK_S
        load.note(at * TICK_S, busy_s)
    return load.share


def test_the_load_is_that_of_the_last_half_second():
    assert load_of(*[0.2] * 40, *[0.9] * 20) == pytest.approx(0.9)


def test_a_short_rest_leaves_a_busy_loop_busy():
    assert load_of(*[0.9] * 40, *[0.0] * 10) > 0.8


def test_a_loop_that_rests_for_seconds_is_free():
    assert load_of(*[1.0] * 40, *[0.0] * 220) == pytest.approx(0.0, abs=0.01)


def test_the_load_of_a_loop_without_packets_is_none():
    loop, lag = Loop(), LoopLag()
    lag.watch(loop)
    for _ in range(100):
        loop.take_round(TICK_S)

    assert lag.load == 0.0


def test_a_writer_without_time_to_spare_is_as_full_as_such_a_loop():
    loop = Loop()
    lag = LoopLag(loop.time)

    with lag.writer.spent(FULL_TRANSACTION):
        for _ in range(round(1 / TICK_S)):
            lag.watch(loop)
            loop.take_round(TICK_S)

    assert lag.load == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("packets", "seconds"), [(FULL_TRANSACTION - 1, 0.0), (FULL_TRANSACTION, 0.3)]
)
def test_only_full_transactions_count_as_time_of_the_writer(packets, seconds):
    loop = Loop()
    writer = WriterTime(loop.time)

    with writer.spent(packets):
        loop.now += 0.2
        assert writer.seconds() == pytest.approx(min(seconds, 0.2))
        loop.now += 0.1

    assert writer.seconds() == pytest.approx(seconds)
    loop.now += 5.0
    assert writer.seconds() == pytest.approx(seconds)


def test_a_transaction_that_fails_counts_as_well():
    loop = Loop()
    writer = WriterTime(loop.time)

    def fail():
        with writer.spent(FULL_TRANSACTION):
            loop.now += 0.3
            raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        fail()

    assert writer.seconds() == pytest.approx(0.3)


def test_a_thread_that_works_is_busy_and_one_that_sleeps_is_not():
    begun, worked = thread_seconds(), time.thread_time()
    while time.thread_time() < worked + 0.02:
        pass
    assert thread_seconds() - begun >= 0.015

    begun = thread_seconds()
    threading.Event().wait(0.05)
    assert thread_seconds() - begun < 0.04


def unread_of(*streams, seconds=2.0, every_s=0.02):
    """Read each stream, of a rate in bytes a second, at its own interval. Returns the wait."""
    unread, now = Unread(), LEAST_OPEN_S
    while now < LEAST_OPEN_S + seconds:
        for rate, interval_s in streams:
            if round(now / every_s) % round(interval_s / every_s) == 0:
                unread.note(round(rate * interval_s), round(rate * now), now, now)
        now += every_s
    return unread.wait_s(now)


def test_streams_that_are_read_at_once_wait_for_nothing():
    assert unread_of(*[(30_000, 0.02)] * 10) < 0.05


def test_streams_that_are_read_late_have_waited_as_long():
    assert 0.35 < unread_of(*[(30_000, 0.4)] * 10) < 0.45


def test_one_slow_network_among_many_streams_counts_little():
    assert unread_of((30_000, 0.4), *[(30_000, 0.02)] * 20) < 0.1


def test_a_fast_upload_has_not_waited_long_although_much_is_read_at_once():
    assert unread_of((2_000_000, 0.02)) < 0.05


def test_nothing_waits_once_the_streams_have_ended():
    unread = Unread()
    for at in range(100):
        unread.note(12_000, 12_000 * (at + 1), LEAST_OPEN_S + at * 0.4, at * 0.4)
    assert unread.wait_s(40.0) > 0

    assert unread.wait_s(40.0 + 2 * UNREAD_WINDOW_S) == 0.0
