"""When shedding begins and ends, for any course of the wait."""

from hypothesis import given
from hypothesis import strategies as st

from calls.ingest.pressure import LINGER_S, STAND_S, TICK_S, LoopLag, Shedding

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


def test_the_lag_of_a_loop_is_known_however_late_it_is():
    loop, lag = Loop(), LoopLag()

    for _ in range(10):
        lag.watch(loop)
        loop.take_round(4 * LINGER_S)

    assert lag.now_s() >= 4 * LINGER_S - TICK_S


def test_the_timer_of_the_lag_ends_when_packets_do():
    loop, lag = Loop(), LoopLag()
    lag.watch(loop)
    loop.take_round(3.0)

    for _ in range(100):
        loop.take_round(TICK_S)

    assert loop.timers == []
    assert lag.now_s() == 0.0


def test_one_slow_commit_is_no_overload():
    assert not any(course(0.1, 0.3, 0.4, 0.45, 0.0, 0.0))


def test_a_queue_that_stands_is_overload():
    assert course(*[0.3] * 7)[-1]


def test_a_wait_far_above_the_limit_is_overload_at_once():
    assert course(LIMIT_S + STAND_S) == [True]


def test_it_ends_after_a_calm_and_not_in_the_first_pause():
    found = course(1.0, *[0.0] * 20, 1.0, *[0.0] * 45)

    assert all(found[:22])
    assert not found[-1]


def test_between_half_of_the_limit_and_the_limit_it_goes_on():
    assert all(course(1.0, *[0.2] * 200))


def test_a_quiet_time_without_packets_counts_as_calm():
    shedding = Shedding(LIMIT_S, CALM_S)
    assert shedding.note(1.0, 100.0)

    assert not shedding.note(0.0, 100.0 + CALM_S)


@given(st.lists(st.floats(0, 30), max_size=60))
def test_whatever_came_before_it_is_normal_within_five_seconds(waits):
    found = course(*waits, *[0.0] * 100)

    assert not found[-1]


@given(st.lists(st.floats(0, LIMIT_S * 0.99), max_size=100))
def test_below_the_limit_nothing_is_ever_refused(waits):
    assert not any(course(*waits))
