"""Ends of calls that no web process notices, and caution after an outage."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from calls.ingest.carriers.opening import open_stream
from calls.ingest.carriers.presence import LEASE_S
from calls.models import Call, MediaConnection
from calls.outage import Outage
from calls.tests.factories import archived_call
from calls.worker import upkeep as upkeeping
from calls.worker.upkeep import Upkeep

pytestmark = pytest.mark.django_db
MEDIA = "audio/x-mulaw;rate=8000"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def orphan():
    """A call whose web process died long ago."""
    open_stream(call_id="c", name="a", media=MEDIA, description={})
    MediaConnection.objects.update(alive_until=timezone.now() - timedelta(hours=1))


def run(upkeep, clock, seconds):
    for _ in range(round(seconds)):
        upkeep.step()
        clock.now += 1


@pytest.mark.usefixtures("orphan")
def test_a_call_whose_web_process_died_ends_as_lost():
    clock = Clock()
    upkeep = Upkeep(clock)

    run(upkeep, clock, LEASE_S + 1)

    assert Call.objects.get().end_reason == "connection_lost"


@pytest.mark.usefixtures("orphan")
@pytest.mark.parametrize("interruption", ["failure", "gap"])
def test_after_a_database_outage_live_sockets_have_time_to_renew(interruption):
    clock = Clock()
    upkeep = Upkeep(clock)
    run(upkeep, clock, LEASE_S - 1)

    if interruption == "failure":
        upkeep.forget()
    else:
        clock.now += 60
    run(upkeep, clock, LEASE_S - 1)
    during = Call.objects.get().state
    run(upkeep, clock, 3)

    assert during == "IN_PROGRESS"
    assert Call.objects.get().state == "COMPLETED"


def test_late_words_are_analysed_again():
    call = archived_call()
    past = timezone.now() - timedelta(seconds=10)
    Call.objects.update(late_since=past, last_packet_at=past)

    Upkeep().step()

    assert Call.objects.get(pk=call.pk).state == "COMPLETED"


def test_a_database_that_is_away_is_one_warning_and_one_when_it_is_back(monkeypatch, caplog):
    tries = [OperationalError("gone")] * 5 + [None] * 3
    monkeypatch.setattr(upkeeping, "outage", Outage(upkeeping.log, "the ends of calls wait"))
    monkeypatch.setattr(upkeeping, "PAUSE_S", 0)

    def step(self):
        if error := tries.pop(0):
            raise error

    monkeypatch.setattr(Upkeep, "step", step)

    upkeeping.keep_up(lambda: not tries)

    first, last = caplog.messages
    assert "the ends of calls wait: gone" in first
    assert "available again" in last
