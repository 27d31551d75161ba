"""The filters of the wallboard: names and numbers as people type them, days, and sentiment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.actions.bulk import start_bulk
from calls.annotations import add_tag
from calls.holds.services import hold_customer, set_hold
from calls.models import Call
from calls.tests.factories import failed_call, live_call
from supervisor.ordering import Place
from supervisor.selection import Filter
from supervisor.tests.factories import shown, text_of

pytestmark = pytest.mark.django_db
BOARD = "/supervisor/"


def make(call_id, **fields):
    return Call.objects.create(call_id=call_id, **fields)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"agent": "Priya Sharma"}, ["c-1"]),
        ({"agent": "priya"}, ["c-2", "c-1"]),
        ({"agent": "PRIYA SHARMA"}, ["c-2", "c-1"]),
        ({"queue": "bill"}, ["c-2", "c-1"]),
        ({"queue": "billing"}, ["c-1"]),
        ({"queue": "Nobody"}, []),
    ],
)
def test_a_name_is_found_by_a_part_of_it_and_alone_if_it_is_complete(supervisor, query, expected):
    make("c-1", agent="Priya Sharma", queue="billing")
    make("c-2", agent="Priya Sharma-Jones", queue="Billing abroad")
    make("c-3", agent="Bo", queue="sales")

    assert shown(supervisor.get(BOARD, query)) == expected


@pytest.mark.parametrize("tag", ["late fee", "late", "FEE"])
def test_a_tag_is_found_by_a_part_of_it(supervisor, tag):
    add_tag(call_id=live_call("tagged").call_id, name="late fee")
    live_call("other")

    assert shown(supervisor.get(BOARD, {"tag": tag})) == ["tagged"]


@pytest.mark.parametrize("text", ["44 20 7946", "442079460112", "+4420-79", "7946 0112", "946.01"])
def test_a_number_is_found_however_it_is_written(supervisor, text):
    make("blanks", caller="+44 20 7946 0112")
    make("plain", caller="+442079460112")
    make("signs", caller="(+44) 20/7946-0112")
    make("other", caller="+44 20 7946 0999"[::-1])

    assert set(shown(supervisor.get(BOARD, {"q": text}))) == {"blanks", "plain", "signs"}


@pytest.mark.parametrize("text", ["a84b4c76/e667;tag=1 ü", "4c76/E667", "tag=1"])
def test_a_call_is_found_by_the_id_of_its_telephone_system(supervisor, text):
    make("a84b4c76_e667-1b2c", external_id="a84b4c76/e667;tag=1 ü")
    make("other", external_id="a84b4c77/e668;tag=2 ü")

    assert shown(supervisor.get(BOARD, {"q": text})) == ["a84b4c76_e667-1b2c"]


def test_two_digits_are_not_searched_as_a_phone_number(supervisor):
    make("a", caller="+44042")

    assert shown(supervisor.get(BOARD, {"q": "4 0"})) == []


@pytest.fixture
def days():
    """Calls of today, of yesterday and of a week ago, by the clock of the site."""
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    for ago in (0, 1, 7):
        make(f"ago-{ago}", opened_at=noon - timedelta(days=ago))
    return noon.date()


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("today", "", ["ago-0"]),
        ("yesterday", "yesterday", ["ago-1"]),
        ("-6", "", ["ago-0", "ago-1"]),
        ("", "yesterday", ["ago-1", "ago-7"]),
        ("nonsense", "", ["ago-0", "ago-1", "ago-7"]),
    ],
)
def test_relative_days_follow_the_date(supervisor, days, first, last, expected):
    assert shown(supervisor.get(BOARD, {"from": first, "to": last})) == expected


def test_days_are_those_of_the_zone_in_the_address(supervisor):
    at = timezone.now().replace(hour=23, minute=30, microsecond=0) - timedelta(days=3)
    make("late", opened_at=at)
    day = at.date().isoformat()

    here = supervisor.get(BOARD, {"from": day, "to": day, "tz": "UTC"})
    there = supervisor.get(BOARD, {"from": day, "to": day, "tz": "Asia/Tokyo"})

    assert (shown(here), shown(there)) == (["late"], [])


def test_the_menu_of_days_says_what_is_chosen_and_keeps_the_rest(supervisor, days):
    response = supervisor.get(BOARD, {"from": "today", "queue": "sales"})

    assert "Days Today" in text_of(response)
    html = response.content.decode()
    assert 'href="?queue=sales&amp;from=yesterday&amp;to=yesterday"' in html
    # Another filter keeps the word, so that the address still moves along.
    assert '<input type="hidden" name="from" value="today">' in html


def test_calls_are_filtered_by_the_sentiment_of_the_customer(supervisor):
    make("good", customer_sentiment="POSITIVE")
    make("bad", customer_sentiment="NEGATIVE")

    assert shown(supervisor.get(BOARD, {"customer": "NEGATIVE"})) == ["bad"]


def test_calls_on_hold_are_marked_and_found_also_by_a_hold_on_their_customer(visitor):
    client = visitor("view_call", "hold_call")
    make("own", caller="+1 555 0100"), make("free", caller="+1 555 0199")
    make("customer", caller="0049 30 123-45")
    set_hold(call_id="own", reason="Case 1")
    hold_customer(number="+49 30 12345", reason="Case 2")

    board = client.get(BOARD).content.decode()
    page = client.get(BOARD, {"hold": "1"})

    assert set(shown(page)) == {"own", "customer"}
    assert board.count('class="held"') == page.content.decode().count('class="held"') == 2
    assert "On legal hold, with all calls of this customer: Case 2" in board


def test_the_filter_by_bulk_action_finds_its_calls(supervisor):
    failed_call("failed"), live_call("live")
    action = start_bulk(kind="retry", call_ids=["failed", "live"], by="ann")

    assert shown(supervisor.get(BOARD, {"bulk": action.pk})) == ["failed"]


def test_live_calls_come_first_whatever_their_age_on_every_page(supervisor):
    now = timezone.now()
    make("old-live", opened_at=now - timedelta(hours=2))
    for number in range(60):
        opened_at = now - timedelta(minutes=number + 1)
        make(f"done-{number}", state="ARCHIVED", opened_at=opened_at)
    make("new-live", opened_at=now)

    order = [call.call_id for call in read_all(rows=25)]

    assert order == ["new-live", "old-live", *(f"done-{number}" for number in range(60))]


def read_all(rows):
    """Return the calls of all pages, each page reached from the last call before it."""
    calls, wanted = [], Filter(size=rows)
    while True:
        keys = wanted.page_of(Call.objects.all())
        calls += [Call.objects.get(pk=pk) for pk in keys[:rows]]
        if len(keys) <= rows:
            return calls
        wanted = Filter.from_query({"rows": str(rows), "before": str(Place.of(calls[-1]))})


def test_calls_of_the_same_moment_are_on_one_page_each(supervisor):
    now = timezone.now()
    for number in range(60):
        make(f"c-{number}", opened_at=now)

    seen = [call.pk for call in read_all(rows=25)]

    assert len(seen) == len(set(seen)) == 60


def test_the_address_keeps_every_choice():
    query = {
        "state": "FAILED", "q": "x", "queue": "a", "agent": "b", "alert": "1", "tag": "c",
        "trouble": "any", "hold": "1", "customer": "NEGATIVE", "from": "-6", "to": "today",
        "tz": "Asia/Tokyo", "bulk": "7", "sort": "-loss", "page": "2", "rows": "25",
        "columns": "queue,loss",
    }  # fmt: skip

    wanted = Filter.from_query(query)

    assert dict(wanted.pairs()) == query
