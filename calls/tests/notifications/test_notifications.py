"""Which alerts are sent to a target, how often, and what happens to the messages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import raise_alerts
from calls.models import (
    AlertRule,
    Call,
    CallEvent,
    NotificationDelivery,
    NotificationTarget,
    Team,
    WorkerHeartbeat,
)
from calls.notifications.services import CLAIM_S, OUTBOX
from calls.notifications.text import notice_of
from calls.people.agents import find_agent, merge_agents
from calls.webhooks.retry import Outcome

pytestmark = pytest.mark.django_db
OK, DOWN = Outcome(status=200, response="Accepted."), Outcome(status=503)


@pytest.fixture
def rule():
    AlertRule.objects.all().delete()
    return AlertRule.objects.create(name="Leaving", kind="words", phrases="x", severity=2)


def target(name="chat", **fields):
    defaults = {"kind": "email", "address": "ana@example.com"}
    return NotificationTarget.objects.create(name=name, **{**defaults, **fields})


def raise_one(rule, call_id="c-1", *, queue="billing", **match):
    call, _ = Call.objects.get_or_create(
        call_id=call_id, defaults={"queue": queue, "agent": "Ana", "caller": "+44 20"}
    )
    matches = [AlertMatch(rule, call.pk, found="Said “x”.", **match)]
    return raise_alerts(matches, now=timezone.now())


def raise_many(rule, count):
    for number in range(count):
        raise_one(rule, f"c-{number}")


def claim(now=None):
    return OUTBOX.claim(limit=100, busy={}, now=now or timezone.now())


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 1),
        ({"min_severity": 3}, 0),
        ({"enabled": False}, 0),
        ({"queues": ["billing", "sales"]}, 1),
        ({"queues": ["sales"]}, 0),
    ],
)
def test_a_target_gets_the_alerts_that_it_selects(rule, fields, count):
    target(**fields)

    raise_one(rule)

    assert NotificationDelivery.objects.count() == count


def test_a_target_may_select_the_alerts_of_some_rules(rule):
    other = AlertRule.objects.create(name="Other", kind="words", phrases="x")
    target().rules.add(other)

    raise_one(rule)
    raise_one(other)

    assert NotificationDelivery.objects.get().alert.rule == other


@pytest.mark.parametrize(
    ("agent", "queue", "teams", "count"),
    [
        ("Ana", "billing", ["Sales"], 1),
        ("ana lee", "billing", ["Sales"], 1),  # another spelling of her name
        ("Ana", "north", ["North"], 0),  # once a call has an agent, the agent's teams decide
        ("", "north", ["North"], 1),
        ("", "north", ["Sales", "North"], 1),
        ("", "", ["North"], 0),
        ("Bob", "billing", ["Sales"], 0),
        ("Ana", "billing", [], 0),  # its teams were deleted
    ],
)
def test_a_target_limited_to_teams_gets_only_their_alerts(rule, agent, queue, teams, count):
    sales, north = Team.objects.create(name="Sales"), Team.objects.create(name="North")
    merge_agents(find_agent("Ana"), [find_agent("ana lee")])
    find_agent("Ana").teams.add(sales)
    find_agent("Bob")
    north.queues.create(queue="north")
    target("limited", teams=[{"Sales": sales.pk, "North": north.pk}[name] for name in teams])
    call = Call.objects.create(call_id="c-1", agent=agent, queue=queue)

    raise_alerts([AlertMatch(rule, call.pk, found="x")], now=timezone.now())

    assert NotificationDelivery.objects.count() == count


def test_targets_without_teams_query_no_teams(rule):
    target()
    call, now = Call.objects.create(call_id="c-1", agent="Ana"), timezone.now()
    with CaptureQueriesContext(connection) as found:
        raise_alerts([AlertMatch(rule, call.pk, found="x")], now=now)

    assert not [query for query in found if '"calls_team"' in query["sql"]]


def test_in_quiet_hours_the_alert_is_raised_but_not_sent(rule):
    target()
    AlertRule.objects.update(quiet_hours="Mon-Sun")
    rule.refresh_from_db()

    (alert,) = raise_one(rule)

    assert alert.pk
    assert not NotificationDelivery.objects.exists()


def test_a_message_says_who_where_and_what_and_links_to_the_moment(rule, settings):
    settings.SITE_URL = "https://calls.example.com"
    words = {"quote": "My <!channel>\nlawyer.", "speaker": "customer", "offset_ms": 83_400}

    notice = notice_of(raise_one(rule, **words))

    assert notice.title == "Warning: Leaving, billing"
    assert notice.body.splitlines() == [
        "Agent: Ana",
        "Customer: +44 20",
        "Queue: billing",
        "Said “x”.",
        "Customer at 1:23: “My \u2039!channel\u203a lawyer.”",
        "https://calls.example.com/supervisor/calls/c-1/?t=83.4#here",
    ]


def test_a_message_has_no_link_if_the_site_does_not_know_its_address(rule):
    assert "http" not in notice_of(raise_one(rule)).body


def test_a_delivered_message_is_recorded_and_sent_once(rule):
    made, now = target(), timezone.now()
    raise_one(rule)
    (taken,) = claim()
    again = claim()

    OUTBOX.record(taken, OK, now=now)

    made.refresh_from_db()
    assert again == claim() == []
    assert NotificationDelivery.objects.get().state == "delivered"
    assert (made.last_result, made.last_success_at) == ("Accepted.", now)


def test_a_message_of_a_dead_sender_is_sent_by_another(rule):
    target()
    raise_one(rule)
    claim()

    later = claim(timezone.now() + timedelta(seconds=CLAIM_S + 1))

    assert [each.attempt for each in later] == [2]


def test_a_failed_message_is_retried_and_the_failure_shown(rule):
    made, now = target(), timezone.now()
    raise_one(rule)
    (taken,) = claim()

    OUTBOX.record(taken, DOWN, now=now)

    made.refresh_from_db()
    assert (made.last_result, made.last_success_at) == ("The receiver returned 503.", None)
    assert len(claim(now + timedelta(seconds=10))) == 1


def test_a_target_that_is_gone_is_disabled_and_operators_see_it(rule, client):
    target()
    raise_one(rule)

    OUTBOX.record(claim()[0], Outcome(status=410), now=timezone.now())

    event = CallEvent.objects.get(type="notification_target_disabled")
    assert (event.call, event.data["target"]) == (None, "chat")
    now = timezone.now()
    WorkerHeartbeat.objects.create(name="w", started_at=now, seen_at=now)
    notes = client.get("/readyz").json()["notes"]
    assert any("Notification target chat is disabled" in note for note in notes)
    assert (
        'callcenter_notification_enabled{target="chat"} 0.0'
        in client.get("/metrics").content.decode()
    )


def test_alerts_beyond_the_limit_per_minute_become_one_digest(rule):
    target(per_minute=3)
    raise_many(rule, 10)
    now = timezone.now()

    claims = claim(now)
    for each in claims:
        OUTBOX.record(each, OK, now=now)

    assert [each.message.notice.title for each in claims] == [
        "Warning: Leaving, billing",
        "Warning: Leaving, billing",
        "8 alerts, the worst: Warning",
    ]
    assert NotificationDelivery.objects.filter(state="merged").count() == 7
    raise_one(rule, "late")
    assert claim(now + timedelta(seconds=30)) == []
    assert len(claim(now + timedelta(seconds=61))) == 1


def test_a_digest_that_waits_takes_its_alerts_into_a_larger_one(rule):
    target(per_minute=1)
    raise_one(rule, "first")
    now = timezone.now()
    OUTBOX.record(claim(now)[0], OK, now=now)
    raise_many(rule, 5)
    failing = NotificationTarget.objects.get()
    waiting = OUTBOX.take(failing, 0, now=now + timedelta(seconds=61))
    raise_one(rule, "last")

    (digest,) = claim(now + timedelta(seconds=62))

    assert waiting == []
    assert digest.message.notice.title == "6 alerts, the worst: Warning"


def test_a_digest_of_many_alerts_names_the_first(rule):
    raise_many(rule, 25)

    notice = notice_of([alert for call in Call.objects.all() for alert in call.alerts.all()])

    assert notice.title == "25 alerts, the worst: Warning"
    assert notice.body.count("Said “x”.") == 20
    assert "And 5 more." in notice.body


def test_a_message_that_was_tried_is_not_made_part_of_a_digest(rule):
    target(per_minute=2)
    raise_one(rule, "first")
    now = timezone.now()
    OUTBOX.record(claim(now)[0], DOWN, now=now)
    raise_many(rule, 4)

    claims = claim(now + timedelta(seconds=90))

    titles = sorted(each.message.notice.title for each in claims)
    assert titles in (
        ["Warning: Leaving, billing"],  # one at a time while it fails
        ["4 alerts, the worst: Warning"],
    )
    assert NotificationDelivery.objects.filter(state="merged", attempts__gt=0).count() == 0


def test_messages_are_deleted_with_their_call(rule):
    target()
    raise_one(rule)

    Call.objects.all().delete()

    assert not NotificationDelivery.objects.exists()
