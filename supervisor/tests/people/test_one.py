"""The page of one agent or queue, with figures by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.lifecycle import CallState
from calls.models import Analysis, Call, Preferences, Transcript
from supervisor.people.one import read_one
from supervisor.people.trends import Tile
from supervisor.tests.factories import raise_alert, text_of

pytestmark = pytest.mark.django_db
AGENT, QUEUE = "/supervisor/agent/", "/supervisor/queue/"
MARCH = {"from": "2026-03-01", "to": "2026-03-10"}


def call_on(day, call_id=None, *, lasted_s=60, hour=12, **fields):
    opened_at = datetime(2026, 3, day, hour, tzinfo=UTC)
    return Call.objects.create(
        call_id=call_id or f"c-{Call.objects.count()}",
        state=CallState.ARCHIVED,
        opened_at=opened_at,
        ended_at=opened_at + timedelta(seconds=lasted_s),
        **{"agent": "ana", **fields},
    )


def measure(call):
    now = timezone.now()
    transcript = Transcript.objects.create(
        call=call, version=1, duration_ms=1, turns=[], speech={}, created_at=now
    )
    metrics = {
        "duration_ms": 60_000,
        "talk": {"agent": {"total_ms": 15_000}, "customer": {"total_ms": 30_000}},
        "non_talk": {"total_ms": 6_000},
        "interruptions": {"count": 3},
    }
    Analysis.objects.create(
        call=call, transcript=transcript, version=1, turns=[], metrics=metrics, created_at=now
    )


def tile(page, label):
    return next(each for each in page.tiles if each.label == label)


def test_a_page_shows_the_range_by_day_with_a_table_of_the_same(supervisor):
    call_on(9, customer_sentiment="NEGATIVE")
    call_on(10)
    call_on(10, agent="ben")

    page = supervisor.get(AGENT, {"name": "ana", **MARCH})

    text, html = text_of(page), page.content.decode()
    assert html.count("<tr data-day=") == 10
    assert (
        'data-day="2026-03-09" data-calls="1" data-handling="60.0" data-negative="100.0"'
        in " ".join(html.replace("\n", " ").split())
    )
    assert "Tue 10 Mar 2026 1 1 1:00 0 0 0" in text
    assert "All 2 2 1:00 1 0 0 100 % 0" in text


def test_figures_are_compared_with_the_range_before():
    call_on(10, lasted_s=120)
    call_on(10, lasted_s=60)
    call_on(9, lasted_s=30)
    raise_alert(call_on(8))

    page = read_one("agent", {"name": "ana", "from": "2026-03-10", "to": "2026-03-10"})

    assert (tile(page, "Calls").text, tile(page, "Calls").before_text) == ("2", "1")
    assert tile(page, "Average handling").text == "1:30"
    assert tile(page, "Average handling").direction == "up"
    assert tile(page, "Negative").value is None
    assert tile(page, "Alerts").text == "0"


def test_a_change_is_rated_only_for_figures_whose_growth_is_bad():
    assert Tile("Negative", "percent", 20, 10, is_bad=True).tone == "worse"
    assert Tile("Negative", "percent", 10, 20, is_bad=True).tone == "better"
    assert Tile("Calls", "count", 10, 20).tone == ""
    assert Tile("Negative", "percent", 10, 10.001, is_bad=True).direction == "same"
    assert Tile("Negative", "percent", 10, None, is_bad=True).direction == ""


def test_talk_silence_and_interruptions_are_shown_where_they_were_measured():
    plain = read_one("agent", {"name": "ana", **MARCH})
    measure(call_on(9))

    page = read_one("agent", {"name": "ana", **MARCH})

    assert "Agent talks" not in [each.label for each in plain.tiles]
    assert tile(page, "Agent talks").text == "25 %"
    assert tile(page, "Long silences").text == "10 %"
    assert tile(page, "Interruptions a call").text == "3"
    assert tile(page, "Long silences").note == ""


def test_the_worst_calls_are_those_with_alerts_and_negative_customers():
    call_on(1, "fine", customer_sentiment="POSITIVE")
    call_on(2, "sad", customer_sentiment="NEGATIVE")
    raise_alert(call_on(3, "noticed"), severity=1)
    raise_alert(call_on(4, "critical"), severity=3, acknowledged_at=timezone.now())
    raise_alert(call_on(5, "both", customer_sentiment="NEGATIVE"), severity=1)

    page = read_one("agent", {"name": "ana", **MARCH})

    assert [each.call.call_id for each in page.worst] == ["critical", "both", "noticed", "sad"]
    assert [each.call.call_id for each in page.latest][:2] == ["both", "critical"]
    assert [each.alert_level for each in page.worst] == ["critical", "notice", "notice", ""]


def test_a_queue_is_split_by_agent_and_an_agent_by_queue(supervisor):
    call_on(9, agent="ben", queue="billing")
    call_on(9, agent="ana", queue="billing")
    call_on(10, agent="ana", queue="billing")

    queue = read_one("queue", {"name": "billing", **MARCH})
    agent = read_one("agent", {"name": "ana", **MARCH})

    assert [(each.name, each.figures.calls) for each in queue.shares] == [("ana", 2), ("ben", 1)]
    assert queue.shares[0].address == ("/supervisor/agent/?name=ana&from=2026-03-01&to=2026-03-10")
    assert [each.name for each in agent.shares] == ["billing"]


def test_live_calls_are_named_at_the_top(supervisor):
    Call.objects.create(call_id="live", agent="ana", queue="billing")

    assert "On a call 0:0" in text_of(supervisor.get(AGENT, {"name": "ana"}))
    assert "ana 0:0" in text_of(supervisor.get(QUEUE, {"name": "billing"}))


def test_calls_without_an_agent_have_a_page(supervisor):
    call_on(9, agent="", caller="+4930123")

    text = text_of(supervisor.get(AGENT, {"name": "", **MARCH}))

    assert "No agent" in text
    assert "+4930123" in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "March"}, "From: Must be a date, such as 2026-01-31."),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "To: Must not be before"),
        ({"from": "2000-01-01", "to": "2026-01-01"}, "From: A range has at most 366 days."),
    ],
)
def test_a_range_that_cannot_be_read_is_explained_and_the_usual_one_shown(supervisor, query, said):
    page = supervisor.get(AGENT, {"name": "ana", **query})

    assert page.status_code == 200
    assert said in text_of(page)


@pytest.mark.parametrize(("days", "length"), [("1", 1), ("30", 30), ("90", 90), ("x", 7), ("", 7)])
def test_the_range_is_one_of_those_offered_or_seven_days(days, length):
    assert read_one("agent", {"name": "x", "days": days}).range.period.length == length


def test_days_start_at_midnight_of_the_reader(supervisor):
    Preferences.objects.create(user=User.objects.get(username="ana"), time_zone="Asia/Tokyo")
    call_on(9, hour=20)  # 5 o'clock of the next day in Tokyo

    page = supervisor.get(AGENT, {"name": "ana", "from": "2026-03-10", "to": "2026-03-10"})

    assert 'data-day="2026-03-10"\n      data-calls="1"' in page.content.decode()
    assert "tz=Asia%2FTokyo" in page.content.decode()


def test_a_page_takes_as_many_statements_for_many_calls_as_for_few(supervisor):
    def count():
        with CaptureQueriesContext(connection) as captured:
            supervisor.get(AGENT, {"name": "ana", **MARCH})
        return len(captured)

    raise_alert(call_on(9, queue="billing"))
    count()  # the event log gets its name with the first page
    few = count()
    for number in range(20):
        raise_alert(call_on(9, queue=f"queue {number}"))

    assert count() == few
    assert few <= 24
