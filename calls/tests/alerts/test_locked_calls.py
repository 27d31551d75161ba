"""One call that another transaction holds locked delays the alerts of no other. PostgreSQL only."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls.alerts import services
from calls.alerts.watcher import Watcher
from calls.ingest.record import record_packets
from calls.models import Alert, AlertRule, Call, Watch
from calls.services import end_call
from calls.tests.alerts.hearing import archive
from calls.tests.factories import packet
from calls.tests.ingest.test_locks import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = "SELECT 1 FROM calls_call WHERE call_id = 'held' FOR UPDATE"
LOCK_ALL = "SELECT 1 FROM calls_call FOR UPDATE"
WORDS = "My lawyer will call."


@pytest.fixture(autouse=True)
def _postgresql(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no locks on rows")
    monkeypatch.setattr(services, "LOCK_MS", 50)


@pytest.fixture
def watching():
    AlertRule.objects.all().delete()
    AlertRule.objects.create(name="Words", kind="words", phrases="lawyer", speaker="customer")
    AlertRule.objects.create(name="Long", kind="long_call", limit=1)
    watching = Watcher(owner="w")
    watching.step()
    return watching


def raised():
    return sorted(Alert.objects.values_list("call__call_id", "name"))


def position(name):
    return Watch.objects.get(name=name).position


def speak(number, words=WORDS):
    record_packets([packet(call_id, number, words) for call_id in ("held", "free")])


def test_alerts_of_other_calls_are_raised_at_once_and_its_own_when_it_is_free(watching):
    speak(1)
    began = time.monotonic()

    with elsewhere(LOCK):
        watching.step()
        during, before = raised(), position("packets")
        took_s = time.monotonic() - began
    watching.step()
    watching.step()

    assert during == [("free", "Words")]
    assert took_s < 5
    assert raised() == [("free", "Words"), ("held", "Words")]
    # It moves on once no older transaction can still commit packets before it.
    deadline = time.monotonic() + 20
    while position("packets") == before and time.monotonic() < deadline:
        time.sleep(0.1)
        watching.step()
    assert position("packets") > before


def test_a_watcher_that_dies_meanwhile_loses_no_alert_and_raises_none_twice(watching):
    speak(1)
    with elsewhere(LOCK):
        watching.step()
    Watch.objects.update(lease_expires_at=None)

    other = Watcher(owner="other")
    for _ in range(3):
        other.step()

    assert raised() == [("free", "Words"), ("held", "Words")]


def test_what_the_log_says_of_other_calls_is_not_held_up(watching):
    speak(1, "Good bye.")
    Call.objects.update(opened_at=timezone.now() - timedelta(seconds=60))
    for call_id in ("held", "free"):
        end_call(call_id=call_id)

    with elsewhere(LOCK):
        watching.step()
        during, before = raised(), position("events")
    watching.step()

    assert during == [("free", "Long")]
    assert raised() == [("free", "Long"), ("held", "Long")]
    speak(2, "Nothing more.")
    watching.step()
    assert position("events") >= before


def not_confirmed():
    resolved = Alert.objects.filter(resolved_reason=Alert.Reason.NOT_CONFIRMED)
    return sorted(resolved.values_list("call__call_id", flat=True))


@pytest.fixture
def archived(watching):
    """Two calls with an alert that their results do not confirm. The watcher has not seen these."""
    speak(1)
    watching.step()
    Alert.objects.update(speaker="agent")
    for call in Call.objects.all():
        archive(call)


@pytest.mark.usefixtures("archived")
def test_a_new_result_is_compared_with_alerts_once_its_call_is_free(watching):
    with elsewhere(LOCK):
        watching.step()
        during, before = not_confirmed(), position("events")
        watching.step()
        assert position("events") == before
    watching.step()

    assert during == ["free"]
    assert not_confirmed() == ["free", "held"]
    speak(2, "Nothing more.")
    watching.step()
    assert position("events") > before


@pytest.mark.usefixtures("archived")
def test_a_watcher_that_dies_before_that_leaves_it_to_the_next_one(watching):
    with elsewhere(LOCK):
        watching.step()
    Watch.objects.update(lease_expires_at=None)

    Watcher(owner="other").step()

    assert not_confirmed() == ["free", "held"]


def test_many_locked_calls_cost_the_watcher_hardly_more_time_than_one(watching, monkeypatch):
    monkeypatch.setattr(services, "LOCK_MS", 300)
    record_packets([packet(f"c-{number}", 1, WORDS) for number in range(40)])
    began = time.monotonic()

    with elsewhere(LOCK_ALL):
        watching.step()
        took_s = time.monotonic() - began
    watching.step()

    assert took_s < 4
    # On a slow machine, the calls are long by now, which raises alerts of the other rule.
    assert len([call_id for call_id, rule in raised() if rule == "Words"]) == 40
