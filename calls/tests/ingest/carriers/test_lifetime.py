"""When a call ends after its sockets have ended, and why: the decision, and its rows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calls.ingest.carriers.lifetime import Fate, Patience, Seen, judge
from calls.ingest.carriers.opening import open_stream
from calls.ingest.carriers.presence import (
    LEASE_S,
    add_connection,
    end_connection,
    end_left_calls,
    renew_leases,
)
from calls.models import Call, CallEvent, MediaConnection, Stream

BEGIN = datetime(2026, 11, 29, 12, tzinfo=UTC)
PATIENCE = Patience(
    grace=timedelta(seconds=3),
    reconnect=timedelta(seconds=30),
    lease=timedelta(seconds=LEASE_S),
)
MEDIA = "audio/x-mulaw;rate=8000"


def at(seconds):
    return BEGIN + timedelta(seconds=seconds)


def opened(name, since=0, until=1000):
    return Seen(name, at(since), at(until))


def stopped(name, when, since=0):
    return Seen(name, at(since), at(when), stopped=True)


def broken(name, when, since=0):
    return Seen(name, at(since), at(when), broken=True)


@pytest.mark.parametrize(
    ("connections", "now", "packet", "fate"),
    [
        ([], 100, None, Fate.GOES_ON),
        ([opened("a")], 100, None, Fate.GOES_ON),
        ([stopped("a", 10)], 12, 10, Fate.GOES_ON),
        ([stopped("a", 10)], 13, 10, Fate.STOPPED),
        ([stopped("a", 10), opened("b")], 100, None, Fate.GOES_ON),
        ([broken("a", 10)], 39, 10, Fate.GOES_ON),
        ([broken("a", 10)], 40, 10, Fate.LOST),
        ([opened("a", until=10)], 39, 10, Fate.GOES_ON),  # the lease of a dead process
        ([opened("a", until=10)], 40, 10, Fate.LOST),
        ([broken("a", 10), stopped("b", 12)], 20, 10, Fate.GOES_ON),
        ([broken("a", 10), stopped("b", 12)], 40, 10, Fate.LOST),
        ([broken("a", 10), stopped("b", 50)], 53, 50, Fate.STOPPED),
        # A process is killed, the stream comes back at 10 s and stops, then the lease expires.
        ([opened("a", until=19), stopped("a", 12, since=10)], 18, 10, Fate.GOES_ON),
        ([opened("a", until=19), stopped("a", 12, since=10)], 20, 10, Fate.STOPPED),
        # Two sockets share a stream: the first was alive after the second had come.
        ([opened("a", until=21), stopped("a", 12, since=10)], 22, 10, Fate.GOES_ON),
        ([broken("a", 12), stopped("a", 11, since=10)], 20, 10, Fate.GOES_ON),
        ([broken("a", 10)], 40, 15, Fate.GOES_ON),  # a packet of another interface
        ([broken("a", 10)], 45, 15, Fate.LOST),
        ([broken("a", 10)], 60, 41, Fate.LEFT),
    ],
)
def test_the_wait_that_runs_out_last_decides(connections, now, packet, fate):
    heard_at = None if packet is None else at(packet)

    verdict = judge(connections, now=at(now), patience=PATIENCE, last_packet_at=heard_at)

    assert verdict.fate is fate


@pytest.fixture
def _patience(settings):
    settings.MEDIA_STOP_GRACE, settings.MEDIA_RECONNECT = 3, 30


class World:
    """Carriers, two web processes and a worker, on real rows and a clock of its own."""

    def __init__(self):
        self.now = 0.0
        self.call = Call.objects.create(call_id="c", opened_at=at(0))
        self.open = {}  # key of the row -> (process, name): sockets that a carrier really holds
        self.dead = []  # (time, how, key, name), in the order in which they ended
        self.opened_at = {}  # key -> (name, time)
        self.beat_at = {}  # key -> the last renewal of its lease
        self.heard_at = None

    def do(self, step, process, name):
        getattr(self, f"do_{step}")(process, name)
        self.tick()

    def do_open(self, process, name):
        stream = Stream.objects.create(call=self.call, name=f"{name}{Stream.objects.count()}")
        pk = add_connection(self.call, stream, name=name, now=at(self.now))
        self.open[pk] = process, name
        self.opened_at[pk] = name, self.now
        self.beat_at[pk] = self.now

    def do_stop(self, process, name):
        self._end(name, stopped=True)

    def do_break(self, process, name):
        self._end(name, stopped=False)

    def _end(self, name, *, stopped):
        pk = next((pk for pk, (_, other) in self.open.items() if other == name), None)
        if pk is not None:
            self._leave(pk, stopped=stopped)

    def _leave(self, pk, *, stopped):
        _, name = self.open.pop(pk)
        self.dead.append((self.now, "stopped" if stopped else "broken", pk, name))
        end_connection(pk, call_id="c", stopped=stopped, now=at(self.now))

    def do_terminate(self, process, name):
        for pk in [pk for pk, (owner, _) in self.open.items() if owner == process]:
            self._leave(pk, stopped=False)

    def do_kill(self, process, name):
        for pk in [pk for pk, (owner, _) in self.open.items() if owner == process]:
            self.dead.append((self.now, "killed", pk, self.open.pop(pk)[1]))

    def do_packet(self, process, name):
        self.heard_at = self.now
        Call.objects.filter(call_id="c").update(last_packet_at=at(self.now))

    def do_moment(self, process, name):
        self._pass(2)

    def do_while(self, process, name):
        self._pass(16)

    def do_long(self, process, name):
        self._pass(48)

    def _pass(self, seconds):
        for _ in range(seconds // 2):
            self.now += 2
            renew_leases(list(self.open), now=at(self.now))
            self.beat_at.update(dict.fromkeys(self.open, self.now))
            end_left_calls(now=at(self.now))
            self.check()

    def tick(self):
        end_left_calls(now=at(self.now))
        self.check()

    def check(self):
        call = Call.objects.get()
        if self.open and not self.ended:
            assert call.is_live
        if not call.is_live and not self.ended:
            self.ended = call.end_reason
            self.check_reason()
        assert CallEvent.objects.filter(state="COMPLETED").count() == bool(self.ended)

    ended = ""

    def check_reason(self):
        telling = [each for each in self.dead if not self.is_resumed(each)]
        if self.ended == "requested":
            assert telling[-1][1] == "stopped"
        else:
            assert self.ended == "connection_lost"
            lost = [each for each in telling if each[1] != "stopped"]
            assert lost
            assert self.now - lost[-1][0] >= 30
            assert self.heard_at is None or self.now - self.heard_at >= 30

    def is_resumed(self, dead):
        """Whether a socket of a killed process came back on another one of its stream."""
        _, how, pk, name = dead
        return how == "killed" and any(
            other == name and since >= self.beat_at[pk]
            for key, (other, since) in self.opened_at.items()
            if key > pk
        )


STEPS = st.tuples(
    st.sampled_from(
        ["open", "open", "stop", "break", "terminate", "kill", "packet", "moment", "while", "long"]
    ),
    st.sampled_from("XY"),
    st.sampled_from("abc"),
)


@pytest.mark.django_db
@pytest.mark.usefixtures("_patience")
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(
    [("open", "Y", "a")] * 2
    + [("terminate", "Y", "a"), ("moment", "X", "a"), ("terminate", "X", "a")]
    + [("open", "X", "a"), ("stop", "X", "a")]
)
@given(st.lists(STEPS, max_size=20))
def test_a_call_ends_once_for_its_true_reason_and_never_while_a_carrier_is_connected(steps):
    Call.objects.all().delete()
    CallEvent.objects.all().delete()
    world = World()

    for step in [("open", "X", "a"), *steps]:
        world.do(*step)
    world.do_terminate("X", "")
    world.do_terminate("Y", "")
    world._pass(30 + 2 * int(LEASE_S) + 32)

    assert world.ended or world.heard_at is not None  # else it waits for packets
    assert not MediaConnection.objects.exists()


@pytest.mark.django_db
def test_a_stream_starts_at_its_offset_in_the_call():
    first = open_stream(call_id="c", name="a", media=MEDIA, description={})
    began = Stream.objects.get().opened_at - timedelta(seconds=90)
    Stream.objects.update(opened_at=began)

    second = open_stream(call_id="c", name="a", media=MEDIA, description={})

    assert (first.stream, first.begins_s) == ("a", 0)
    assert second.stream == "a#2"
    joined = Stream.objects.get(name="a#2").opened_at
    assert second.begins_s == pytest.approx((joined - began).total_seconds(), abs=0.001)
    assert second.resumed_s == second.begins_s


@pytest.mark.django_db
def test_a_carrier_that_comes_back_takes_the_place_of_its_broken_connection():
    lost = [open_stream(call_id="c", name=name, media=MEDIA, description={}) for name in "ab"]
    for each in lost:
        end_connection(each.connection, call_id="c", stopped=False)

    open_stream(call_id="c", name="b", media=MEDIA, description={})
    open_stream(call_id="c", name="another", media=MEDIA, description={})

    assert set(MediaConnection.objects.values_list("name", flat=True)) == {"b", "another"}


@pytest.mark.django_db
def test_a_socket_that_outlives_its_call_leaves_no_connection_behind():
    opened = open_stream(call_id="c", name="a", media=MEDIA, description={})
    call = Call.objects.get()
    call.complete()
    call.save()

    end_connection(opened.connection, call_id="c", stopped=True)

    assert not MediaConnection.objects.exists()
