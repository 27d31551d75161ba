"""The figures above the wallboard: what a supervisor acts on, and what it costs to read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calls.models import Call
from supervisor.figures import HandlingTime, read_figures
from supervisor.tests.factories import raise_alert, text_of

pytestmark = pytest.mark.django_db


def make(call_id, **fields):
    return Call.objects.create(call_id=call_id, **fields)


def test_negative_now_counts_live_calls_only():
    make("live", customer_sentiment="NEGATIVE")
    make("calm", customer_sentiment="NEUTRAL")
    make("over", customer_sentiment="NEGATIVE", state="ARCHIVED")

    assert read_figures().negative == 1


def test_the_longest_live_call_is_the_oldest_live_one():
    now = timezone.now()
    make("over", state="ARCHIVED", opened_at=now - timedelta(hours=3))
    oldest = make("oldest", opened_at=now - timedelta(hours=1))
    make("new", opened_at=now)

    figures = read_figures()

    assert figures.longest_since == oldest.opened_at
    assert figures.as_json()["longest_since"] == oldest.opened_at.isoformat()


def test_open_alerts_are_counted_by_severity(supervisor):
    call = make("c-1")
    for number, severity in enumerate((3, 2, 2, 1), 1):
        raise_alert(call, severity=severity, number=number)

    figures = read_figures()

    assert (figures.critical, figures.warning, figures.notice) == (1, 2, 1)
    assert (figures.open_alerts, figures.worst_alert) == (4, "critical")
    assert "Open alerts 4 1 critical 2 warnings 1 notices" in text_of(
        supervisor.get("/supervisor/")
    )


def test_the_handling_time_is_the_mean_of_the_calls_that_ended_today():
    now = timezone.now()
    for minutes in (2, 4):
        make(
            f"c-{minutes}", state="ARCHIVED", opened_at=now - timedelta(minutes=10), ended_at=now,
            duration=timedelta(minutes=minutes),
        )  # fmt: skip
    make("unheard", state="COMPLETED", opened_at=now - timedelta(minutes=9), ended_at=now)
    long_ago = now - timedelta(days=2)
    make("before", state="ARCHIVED", opened_at=long_ago, ended_at=long_ago + timedelta(hours=1))

    assert HandlingTime().read(now) == 5 * 60


def test_the_handling_time_is_cached(django_assert_num_queries):
    time, now = HandlingTime(), timezone.now()
    with django_assert_num_queries(1):
        assert [time.read(now) for _ in range(3)] == [None] * 3

    time.forget()
    with django_assert_num_queries(1):
        time.read(now)


def test_the_figures_take_as_many_queries_for_many_calls(django_assert_num_queries):
    read_figures()  # the handling time is kept from here on
    with CaptureQueriesContext(connection) as few:
        read_figures()
    Call.objects.bulk_create(
        Call(call_id=f"c-{number}", customer_sentiment="NEGATIVE") for number in range(200)
    )

    with django_assert_num_queries(len(few)):
        assert read_figures().negative == 200
    assert len(few) <= 11


def test_tiles_link_to_their_calls(supervisor):
    html = supervisor.get("/supervisor/").content.decode()

    assert 'href="?state=IN_PROGRESS&amp;customer=NEGATIVE"' in html
    assert 'href="?state=IN_PROGRESS&amp;sort=-duration"' in html
    assert 'href="?state=ARCHIVED&amp;from=today"' in html
