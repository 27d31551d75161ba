"""When a new stream is admitted, waits for room, or is refused, by the load of the server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.ingest.pressure import (
    FULL_PACE_S,
    IN_LOAD_AFTER_S,
    LEAST_OF_ONE,
    LOAD_FALLS_PER_S,
    MOST_OF_ONE,
    STAND_S,
    Admission,
)

LIMIT_S, FULL = 0.25, 0.85


class Traffic:
    """Offers streams of which each takes ``share`` of the loop, as long as one is admitted."""

    def __init__(self, share, *, other=0.0, full=FULL):
        self.admission = Admission(LIMIT_S, full)
        self.share, self.other = share, other
        self.shown = self.open = 0
        self.now = 100.0

    @property
    def load(self):
        return min(1.0, self.other + self.shown * self.share)

    def offer(self, *, seconds):
        """Offer as many as are admitted, every 50 ms. The load shows them after a second."""
        admitted = []
        for _ in range(round(seconds / 0.05)):
            self.shown = self.open - sum(at > self.now - IN_LOAD_AFTER_S for at in admitted)
            while self.open < 1_000 and self.admission.admit(0.0, self.load, self.now):
                admitted.append(self.now)
                self.open += 1
            self.now += 0.05
        return self.open


@given(st.floats(0.0005, MOST_OF_ONE), st.floats(0, 0.8))
def test_as_many_streams_are_admitted_as_there_is_room_for(share, other):
    room, seconds = FULL - other, 60

    admitted = Traffic(share, other=other).offer(seconds=seconds)

    assert admitted <= room / share + seconds / FULL_PACE_S + 1
    assert admitted >= min((room - MOST_OF_ONE) / share - 1, 1_000)


def test_beside_silent_streams_no_crowd_is_admitted_at_once():
    traffic = Traffic(0.0)
    silent = traffic.offer(seconds=0.05)
    traffic.now += IN_LOAD_AFTER_S

    assert 0 < traffic.offer(seconds=0.05) - silent <= FULL / LEAST_OF_ONE


def test_a_full_server_admits_a_stream_now_and_then():
    assert Traffic(0.0, other=0.9).offer(seconds=10) == 10 / FULL_PACE_S


def test_a_full_share_of_one_admits_every_stream():
    assert Traffic(0.01, full=1).offer(seconds=1) == 1_000


def waiting_for(traffic, *, seconds):
    """Let streams wait as long as they may. Returns how many do."""
    assert traffic.admission.admit(0.0, traffic.load, traffic.now) is None
    while traffic.admission.may_wait(seconds):
        traffic.admission.waiting += 1
    return traffic.admission.waiting


@given(st.floats(LEAST_OF_ONE, MOST_OF_ONE))
def test_no_more_streams_wait_than_may_find_room_in_time(share):
    traffic = Traffic(share)
    traffic.shown = traffic.offer(seconds=20)

    room = FULL - traffic.load + 2 * LOAD_FALLS_PER_S

    assert waiting_for(traffic, seconds=2) == pytest.approx(room / share, abs=1.01)


def test_after_a_restart_all_streams_may_wait():
    traffic = Traffic(0.005)
    traffic.offer(seconds=0.05)

    assert waiting_for(traffic, seconds=2) >= FULL / LEAST_OF_ONE


def test_no_stream_waits_for_a_server_that_stays_full():
    traffic = Traffic(0.0, other=FULL + 2 * LOAD_FALLS_PER_S)
    traffic.offer(seconds=10)

    assert waiting_for(traffic, seconds=1.5) == 0


def test_streams_that_have_ended_leave_room_for_others():
    traffic = Traffic(0.01)
    before = traffic.offer(seconds=10)
    for _ in range(50):
        traffic.admission.end()
        traffic.open -= 1

    assert traffic.offer(seconds=10) == pytest.approx(before, abs=3)


def test_a_stream_is_refused_while_packets_wait():
    assert Admission(LIMIT_S, FULL).admit(LIMIT_S + STAND_S, 0.1, 100.0) is False
