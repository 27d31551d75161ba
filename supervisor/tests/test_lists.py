"""The list that the call page was opened from: its address, and a call's neighbours in it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.test import RequestFactory
from django.utils import timezone

from calls.models import Call
from supervisor.beside import calls_beside
from supervisor.lists import List, came_from
from supervisor.tests.factories import raise_alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls():
    """Calls by name: two live ones, opened first and last, and three that have ended."""
    now, made = timezone.now(), {}
    for age, (name, state, queue) in enumerate(
        [
            ("new", "IN_PROGRESS", "sales"),
            ("a", "ARCHIVED", "sales"),
            ("b", "ARCHIVED", "cards"),
            ("c", "FAILED", "sales"),
            ("old", "IN_PROGRESS", "sales"),
        ]
    ):
        made[name] = Call.objects.create(
            call_id=name, state=state, queue=queue, opened_at=now - timedelta(minutes=age)
        )
    return made


def beside(query, call, page="board"):
    found = calls_beside(call, List(query, page), me="ana")
    return [each and each.call_id for each in found]


def test_a_request_without_a_list_has_none():
    assert came_from(RequestFactory().get("/x")) is None


@pytest.mark.parametrize(
    ("value", "address", "label"),
    [
        ("", "/supervisor/", "Wallboard"),
        ("queue=billing&sort=-loss", "/supervisor/?queue=billing&sort=-loss", "Wallboard"),
        ("search?q=refund", "/supervisor/search/?q=refund", "Search"),
        ("alerts?show=all", "/supervisor/alerts/?show=all", "Alerts"),
        ("agents?sort=worst", "/supervisor/agents/?sort=worst", "Agents"),
        ("agent?name=Ben+King&days=1", "/supervisor/agent/?name=Ben+King&days=1", "Ben King"),
        ("queue?name=", "/supervisor/queue/?name=", "No queue"),
        ("https://evil.example/?x=1", "/supervisor/", "Wallboard"),
    ],
)
def test_the_address_of_the_list_is_kept(value, address, label):
    found = came_from(RequestFactory().get("/x", {"list": value}))

    assert (found.address, found.label) == (address, label)


@pytest.mark.parametrize("found", [List("queue=a b&sort=agent"), List("q=x", "search"), List()])
def test_the_parameter_links_back_to_the_list(found):
    request = RequestFactory().get(f"/x?{found.parameter}")

    assert came_from(request) == found


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["new", "old", "a", "b", "c"]),
        ("sort=-opened", ["new", "a", "b", "c", "old"]),
        ("sort=opened", ["old", "c", "b", "a", "new"]),
        ("queue=sales", ["new", "old", "a", "c"]),
        ("queue=sales&sort=-duration", ["old", "c", "a", "new"]),
    ],
)
def test_next_and_previous_calls_follow_the_order(calls, query, order):
    Call.objects.filter(state__in=("ARCHIVED", "FAILED")).update(ended_at=timezone.now())

    found = [beside(query, calls[name]) for name in order]

    padded = [None, *order, None]
    assert found == [[padded[at], padded[at + 2]] for at in range(len(order))]


def test_a_call_that_no_longer_matches_keeps_its_place_in_an_order_by_age(calls):
    assert beside("queue=sales&sort=-opened", calls["b"]) == ["a", "c"]
    assert beside("queue=sales&sort=agent", calls["b"]) == [None, None]


@pytest.mark.parametrize("page", ["search", "alerts", "agent", "queue"])
def test_every_list_of_calls_has_calls_beside_its_own(calls, page):
    Call.objects.update(agent="ben", queue="sales")
    for name in ("c", "b", "a"):
        raise_alert(calls[name])
    query = {"search": "queue=sales&state=ARCHIVED", "alerts": ""}.get(page, "name=%s")
    query = query.replace("%s", "ben" if page == "agent" else "sales")
    # Searches are in the order of arrival, newest first.
    order = {"search": ["b", "a"], "alerts": ["a", "b", "c"]}.get(page, ["a", "b", "c"])

    found = [beside(query, calls[name], page) for name in order]

    inner = [each for pair in found for each in pair if each in order]
    assert inner == [name for one, other in pairwise(order) for name in (other, one)]


def test_a_call_whose_alerts_were_handled_keeps_its_place(calls):
    alerts = {name: raise_alert(calls[name]) for name in ("c", "b", "a")}
    alerts["b"].acknowledged_at = timezone.now()
    alerts["b"].save(update_fields=["acknowledged_at"])

    assert beside("", calls["b"], "alerts") == ["a", "c"]
    assert beside("", calls["a"], "alerts") == [None, "c"]


def test_lists_of_people_have_no_order_of_calls(calls):
    assert beside("", calls["a"], "agents") == [None, None]
