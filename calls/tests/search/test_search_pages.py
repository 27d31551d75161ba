"""Search results: their order, pages, counts and blocks."""

from __future__ import annotations

import pytest
from django.db import connection

from calls.lifecycle import CallState
from calls.models import Call
from calls.search.find import Search
from calls.search.query import parse
from calls.tests.factories import archived_call
from calls.tests.search.indexed import analysis_of, index

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("few", [1, 1000])
def test_pages_follow_each_other_newest_first(call_in, monkeypatch, few):
    calls = [call_in(CallState.ARCHIVED, f"c-{n}") for n in range(5)]
    index(*(analysis_of(call, ("agent", "hello")) for call in calls))
    monkeypatch.setattr("calls.search.find.FEW", few)
    search = Search(Call.objects.all(), parse("hello"))

    first = search.read_page(size=2)
    second = search.read_page(size=2, before=first.next)
    third = search.read_page(size=2, before=second.next)

    pages = [[found.call.call_id for found in page.found] for page in (first, second, third)]
    assert pages == [["c-4", "c-3"], ["c-2", "c-1"], ["c-0"]]
    assert third.next is None


@pytest.mark.parametrize("few", [1, 1000])
def test_the_count_stops_at_its_limit(call_in, monkeypatch, few):
    calls = [call_in(CallState.ARCHIVED, f"c-{n}") for n in range(4)]
    index(*(analysis_of(call, ("agent", "hello")) for call in calls))

    monkeypatch.setattr("calls.search.find.FEW", few)
    search = Search(Call.objects.all(), parse("hello"))

    assert search.count(limit=2) == 3
    assert search.count(limit=10) == 4


def test_a_page_takes_as_many_queries_however_long_it_is(django_assert_num_queries):
    for _ in range(4):
        archived_call()

    with django_assert_num_queries(4 if connection.vendor == "postgresql" else 3):
        page = Search(Call.objects.all(), parse("hello")).read_page(size=20)

    assert [found.hits.count for found in page.found] == [1, 1, 1, 1]


def test_everything_is_read_in_blocks(monkeypatch):
    for _ in range(3):
        archived_call()
    monkeypatch.setattr("calls.search.find.CALLS_AT_ONCE", 2)

    blocks = list(Search(Call.objects.all(), parse("hello")).read_all())

    assert [len(block) for block in blocks] == [2, 1]


def test_without_words_calls_are_listed_with_their_summary(call_in):
    archived_call("told")
    call_in(CallState.FAILED, "untold")

    page = Search(Call.objects.all(), None).read_page(size=10)

    shown = {found.call.call_id: found.opening.text for found in page.found}
    assert shown == {"told": "A call.", "untold": ""}
