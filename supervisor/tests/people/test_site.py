"""The page of all calls over days."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from supervisor.people.site import read_site
from supervisor.tests.factories import raise_alert, text_of
from supervisor.tests.people.test_one import MARCH, call_on, measure, tile

pytestmark = pytest.mark.django_db
DAYS = "/supervisor/days/"


def test_all_calls_of_the_range_count_by_day_and_lead_to_the_wallboard(supervisor):
    call_on(9, customer_sentiment="NEGATIVE", queue="billing")
    call_on(10, agent="ben")
    call_on(10, agent="")

    page = supervisor.get(DAYS, MARCH)

    text, html = text_of(page), page.content.decode()
    assert html.count("<tr data-day=") == 10
    assert "Tue 10 Mar 2026 2 2 1:00 0 0 0" in text
    assert "All 3 3 1:00 1 0 0 100 % 0" in text
    assert 'href="/supervisor/?from=2026-03-10&amp;to=2026-03-10"' in html
    assert 'href="/supervisor/?from=2026-03-01&amp;to=2026-03-10&sort=-alert"' in html


def test_all_calls_are_split_by_queue_and_by_agent(supervisor):
    call_on(9, queue="billing")
    call_on(10, queue="billing", agent="ben")

    page = read_site(MARCH)

    assert [(each.name, each.figures.calls) for each in page.queues] == [("billing", 2)]
    assert [(each.name, each.figures.calls) for each in page.agents] == [("ana", 1), ("ben", 1)]
    html = supervisor.get(DAYS, MARCH).content.decode()
    assert "/supervisor/agent/?name=ben&amp;from=2026-03-01&amp;to=2026-03-10" in html


def test_figures_are_compared_with_the_days_before():
    call_on(10, agent="ben")
    call_on(10)
    measure(call_on(9))
    raise_alert(call_on(8))

    page = read_site({"from": "2026-03-10", "to": "2026-03-10"})

    assert (tile(page, "Calls").text, tile(page, "Calls").before_text) == ("2", "1")
    assert [each.call.agent for each in page.latest] == ["ana", "ben"]
    assert page.worst == []


def test_an_empty_range_says_so_and_any_address_is_taken(supervisor):
    text = text_of(supervisor.get(DAYS, MARCH))

    assert "No call was opened from Sun 01 Mar 2026 to Tue 10 Mar 2026" in text
    wrong = text_of(supervisor.get(DAYS, {"from": "soon"}))
    assert "From: Must be a date, such as 2026-01-31." in wrong


def test_the_lists_of_people_lead_to_it(supervisor):
    for path in ("/supervisor/agents/", "/supervisor/queues/"):
        assert f'href="{DAYS}"' in supervisor.get(path).content.decode()


def test_many_calls_take_as_many_statements_as_few(supervisor):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            supervisor.get(DAYS, MARCH)
        return len(queries)

    for number in range(3):
        raise_alert(call_on(9, agent=f"agent {number}", queue=f"queue {number}"))
    supervisor.get(DAYS, MARCH)
    few = statements()
    for number in range(20):
        raise_alert(call_on(10, agent=f"agent {number}", queue=f"queue {number}"))

    assert statements() == few
    assert few < 40
