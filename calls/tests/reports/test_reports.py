"""Reports: the figures of agents, queues and days, and what they cost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from calls.lifecycle import CallState
from calls.models import Alert, Analysis, Call, Transcript
from calls.reports import talk
from calls.reports.figures import Figures, Scope, figures_by, figures_by_day, figures_of
from calls.reports.period import Period, PeriodRefused, last_days, read_period, read_zone
from calls.reports.talk import read_talk

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31), UTC)


def call_at(opened_at=NOON, *, lasted_s=None, **fields):
    """A call, ended if it has a length."""
    ended = {} if lasted_s is None else {"ended_at": opened_at + timedelta(seconds=lasted_s)}
    number = Call.objects.count()
    return Call.objects.create(
        call_id=f"call-{number}", opened_at=opened_at, state=CallState.ARCHIVED, **ended, **fields
    )


def alert_on(call, number=1):
    return Alert.objects.create(
        call=call, number=number, name="Angry", kind="words", severity=3, found="x"
    )


# --- Ranges of days ---------------------------------------------------------------------------
def test_a_range_covers_whole_days_of_its_time_zone():
    berlin = ZoneInfo("Europe/Berlin")

    period = read_period("2026-03-28", "2026-03-29", now=NOON, zone=berlin)

    assert period.begin == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert period.end == datetime(2026, 3, 29, 22, tzinfo=UTC)  # summer time has begun
    assert period.days == [date(2026, 3, 28), date(2026, 3, 29)]
    assert period.before == Period(date(2026, 3, 26), date(2026, 3, 27), berlin)


def test_today_is_the_day_in_the_time_zone_of_the_range():
    late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)

    assert last_days(7, now=late, zone=ZoneInfo("Asia/Tokyo")).last == date(2026, 3, 11)
    assert read_period("", "", now=late, zone=UTC) == last_days(7, now=late, zone=UTC)


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("yesterday", "", "from"),
        ("", "2026-02-30", "to"),
        ("0001-01-01", "0001-01-02", "to"),
        ("2026-03-02", "2026-03-01", "to"),
        ("2024-01-01", "2026-01-01", "from"),
    ],
)
def test_a_range_that_cannot_be_read_names_the_part_that_is_wrong(first, last, field):
    with pytest.raises(PeriodRefused) as refused:
        read_period(first, last, now=NOON, zone=UTC)

    assert refused.value.field == field


@pytest.mark.parametrize("name", ["Berlin", "Europe", "../etc/passwd", "x\0"])
def test_a_time_zone_that_does_not_exist_is_refused(name):
    with pytest.raises(PeriodRefused, match="Europe/Berlin"):
        read_zone(name)


# --- Figures ----------------------------------------------------------------------------------
def test_calls_are_counted_by_agent_with_length_sentiment_and_alerts():
    call_at(agent="ana", lasted_s=60, customer_sentiment="NEGATIVE", agent_sentiment="NEUTRAL")
    call_at(agent="ana", lasted_s=60, duration=timedelta(seconds=120))
    alerting = call_at(agent="ana", customer_sentiment="POSITIVE")  # has not ended
    alert_on(alerting, 1)
    alert_on(alerting, 2)
    call_at(lasted_s=10)

    found = figures_by("agent", Scope(MARCH))

    assert found == {
        "ana": Figures(
            calls=3,
            handled=2,
            handled_s=180,
            customer_positive=1,
            customer_negative=1,
            agent_neutral=1,
            alerts=2,
        ),
        "": Figures(calls=1, handled=1, handled_s=10),
    }
    assert found["ana"].average_handling_s == 90
    assert found["ana"].negative_percent == 50
    assert found[""].negative_percent is None


def test_a_report_can_be_limited_to_one_agent_and_one_queue():
    call_at(agent="ana", queue="billing")
    call_at(agent="ana", queue="sales")
    call_at(agent="", queue="billing")

    assert set(figures_by("queue", Scope(MARCH, agent="ana"))) == {"billing", "sales"}
    assert figures_of(Scope(MARCH, agent="ana", queue="sales")).calls == 1
    assert figures_of(Scope(MARCH, agent="")).calls == 1


def test_a_day_starts_at_midnight_of_the_time_zone_and_days_without_calls_are_listed():
    period = Period(date(2026, 3, 9), date(2026, 3, 11), ZoneInfo("America/New_York"))
    alert_on(call_at(datetime(2026, 3, 11, 3, 59, tzinfo=UTC)))  # 10 March there
    call_at(datetime(2026, 3, 11, 4, 0, tzinfo=UTC))
    call_at(datetime(2026, 3, 12, 4, 0, tzinfo=UTC))  # the day after

    found = figures_by_day(Scope(period))

    assert [(str(day), each.calls, each.alerts) for day, each in found.items()] == [
        ("2026-03-09", 0, 0),
        ("2026-03-10", 1, 1),
        ("2026-03-11", 1, 0),
    ]


def test_figures_of_several_groups_add_up():
    call_at(agent="ana", lasted_s=30)
    call_at(agent="ben", lasted_s=90)

    total = sum(figures_by("agent", Scope(MARCH)).values(), Figures())

    assert total == figures_of(Scope(MARCH))
    assert total.average_handling_s == 60


# --- Talk -------------------------------------------------------------------------------------
def analyse(call, *, version=1, **metrics):
    now = timezone.now()
    transcript = Transcript.objects.create(
        call=call, version=version, duration_ms=1, turns=[], speech={}, created_at=now
    )
    Analysis.objects.create(
        call=call, transcript=transcript, version=version, turns=[], metrics=metrics, created_at=now
    )


def measured(duration_ms=100_000, agent_ms=40_000, interruptions=1):
    return {
        "duration_ms": duration_ms,
        "talk": {"agent": {"total_ms": agent_ms}},
        "non_talk": {"total_ms": 10_000},
        "interruptions": {"count": interruptions},
    }


def test_talk_is_that_of_the_newest_analysis_of_each_call():
    call = call_at(agent="ana")
    analyse(call, version=1, **measured(agent_ms=90_000, interruptions=9))
    analyse(call, version=2, **measured())
    analyse(call_at(agent="ana"), **measured(duration_ms=300_000, agent_ms=0, interruptions=2))
    analyse(call_at(agent="ana"))  # nothing was measured
    call_at(agent="ana")

    found = read_talk(Scope(MARCH, agent="ana"))

    assert (found.calls, found.is_capped) == (2, False)
    assert (found.agent_percent, found.customer_percent, found.silence_percent) == (10, 0, 5)
    assert found.interruptions_per_call == 1.5


def test_talk_of_many_calls_is_read_from_the_newest(monkeypatch):
    monkeypatch.setattr(talk, "MOST_CALLS", 1)
    analyse(call_at(), **measured(agent_ms=90_000))
    analyse(call_at(), **measured(agent_ms=40_000))

    found = read_talk(Scope(MARCH))

    assert (found.calls, found.agent_percent, found.is_capped) == (1, 40, True)


# --- What it costs ----------------------------------------------------------------------------
def test_a_report_takes_two_statements(django_assert_num_queries):
    alert_on(call_at(agent="ana"))

    for read in (lambda: figures_by("agent", Scope(MARCH)), lambda: figures_by_day(Scope(MARCH))):
        with django_assert_num_queries(2):
            read()


def many_calls():
    """Calls of 300 days and 50 agents, so that a week is a small part of them."""
    Call.objects.bulk_create(
        Call(
            call_id=f"many-{number}",
            agent=f"agent {number % 50}",
            queue=f"queue {number % 5}",
            opened_at=NOON - timedelta(hours=number),
        )
        for number in range(7200)
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE calls_call")


@pytest.mark.parametrize("scope", [{}, {"agent": "agent 7"}, {"queue": "queue 3"}])
def test_a_report_reads_calls_of_its_range_or_its_agent_or_its_queue_from_an_index(scope):
    many_calls()
    period = Period(date(2026, 3, 4), date(2026, 3, 10), UTC)

    plan = Scope(period, **scope).calls().values("agent").explain()

    assert "Seq Scan" not in plan
    assert "SCAN calls_call" not in plan.replace("SCAN calls_call USING INDEX", "")
    assert "call_by_" in plan
