"""Search over HTTP: what is found, where, and how a malformed query is refused."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls.annotations import add_note
from calls.lifecycle import CallState
from calls.models import Alert, Call, Tag
from calls.tests.search.indexed import analysis_of, index

pytestmark = pytest.mark.django_db
CARD = "4111 1111 1111 1111"


@pytest.fixture
def archived(call_in):
    """Make an archived call with an analysis of these turns."""

    def make(call_id: str, *turns: tuple[str, str], summary: str = "", **fields) -> Call:
        call = call_in(CallState.ARCHIVED, call_id, **fields)
        transcript = call.transcripts.create(
            version=1, duration_ms=0, turns=[], speech={}, created_at=timezone.now()
        )
        analysis = analysis_of(call, *turns, summary=summary)
        analysis.transcript, analysis.metrics = transcript, {}
        analysis.created_at = timezone.now()
        analysis.save()
        index(analysis)
        return call

    return make


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [each["call_id"] for each in response.json()["results"]]


def test_a_search_says_which_turn_it_was(api, archived):
    archived("c-1", ("agent", "Good morning."), ("customer", "Well, I want a refund!"), agent="ana")

    answer = api.get("/v1/search", {"q": "refund"}).json()

    assert (answer["count"], answer["count_is_exact"], answer["next"]) == (1, True, None)
    (found,) = answer["results"]
    assert (found["call_id"], found["agent"], found["hit_count"]) == ("c-1", "ana", 1)
    assert found["hits"] == [
        {
            "where": "customer",
            "name": None,
            "note": None,
            "turn": 1,
            "begin_ms": 1000,
            "end_ms": 1900,
            "sentiment": "NEUTRAL",
            "text": "Well, I want a refund!",
            "matches": [[15, 21]],
        }
    ]


def test_the_best_turns_of_a_call_are_shown_and_all_are_counted(api, archived):
    turns = [("agent", f"refund {n}") for n in range(5)]
    archived("c-1", *turns, ("customer", "refund and cancel"))

    (found,) = api.get("/v1/search", {"q": "refund cancel", "hits": 2}).json()["results"]

    assert found["hit_count"] == 6
    assert [hit["turn"] for hit in found["hits"]] == [0, 5]


def test_a_long_turn_is_cut_around_the_match(api, archived):
    archived("c-1", ("agent", "before " * 100 + "the refund is here " + "after " * 100))

    (found,) = api.get("/v1/search", {"q": "refund"}).json()["results"]

    (hit,) = found["hits"]
    ((begin, end),) = hit["matches"]
    assert hit["text"][begin:end] == "refund"
    assert hit["text"].startswith("…before")
    assert hit["text"].endswith("after…")
    assert len(hit["text"]) <= 242


def test_only_redacted_words_are_found_even_by_those_who_may_read_the_others(api):
    from calls.tests.search.test_search_hits import analysed_with_card

    call = analysed_with_card(CARD)

    assert CARD in call.transcripts.get().turns[1]["text"]
    for query in (CARD, "4111", "1111", CARD.replace(" ", ""), "card:4111"):
        assert ids(api.get("/v1/search", {"q": query, "redacted": "false"})) == []
    (found,) = api.get("/v1/search", {"q": "sure"}).json()["results"]
    # As a word of its own: the fraction of a time may hold these digits.
    assert not re.search(r"\b4111\b", str(found))


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, ["new", "old"]),
        ({"queue": "billing"}, ["old"]),
        ({"agent": "bob"}, ["new"]),
        ({"state": "FAILED"}, []),
        ({"customer_sentiment": "NEGATIVE"}, ["old"]),
        ({"customer_trend": "worsening"}, ["old"]),
        ({"agent_sentiment": "POSITIVE"}, ["new"]),
        ({"agent_trend": "improving"}, ["new"]),
        ({"opened_after": "2026-02-01T00:00:00Z"}, ["new"]),
        ({"opened_before": "2026-02-01T00:00:00Z"}, ["old"]),
        ({"duration_min_s": "100"}, ["old"]),
        ({"duration_max_s": "100"}, ["new"]),
        ({"duration_min_s": "100", "duration_max_s": "200"}, []),
        ({"tag": "vip"}, ["old"]),
        ({"tag": ["vip", "fraud"]}, ["old"]),
        ({"tag": ["vip", "other"]}, []),
        ({"alert": "any"}, ["new", "old"]),
        ({"alert": "open"}, ["new"]),
        ({"speaker": "agent"}, ["new"]),
        ({"speaker": "customer"}, ["old"]),
        ({"in": "summary"}, []),
        ({"in": "note"}, ["new"]),
        ({"in": "transcript"}, ["new", "old"]),
    ],
)
@pytest.mark.parametrize("query", ["refund", ""])
def test_filters_narrow_what_is_found(api, archived, given, left, query):
    january, march = "2026-01-31T12:00:00+00:00", "2026-03-01T12:00:00+00:00"
    old = archived("old", ("customer", "refund"), queue="billing", customer_sentiment="NEGATIVE",
                   customer_trend="worsening")  # fmt: skip
    new = archived("new", ("agent", "refund"), agent="bob", agent_sentiment="POSITIVE",
                   agent_trend="improving")  # fmt: skip
    for call, at, seconds in ((old, january, 300), (new, march, 60)):
        began = timezone.datetime.fromisoformat(at)
        ended = began + timedelta(seconds=seconds)
        Call.objects.filter(pk=call.pk).update(opened_at=began, ended_at=ended)
        seen = ended if call is old else None
        Alert.objects.create(call=call, name="x", kind="words", severity=1, acknowledged_at=seen)
    add_note(call_id="new", text="A refund was promised.")
    Tag.objects.create(call=old, name="vip")
    Tag.objects.create(call=old, name="fraud")
    if not query and not {"speaker", "in"}.isdisjoint(given):
        left = ["new", "old"]  # it says where words are looked for, and there are none

    assert ids(api.get("/v1/search", {"q": query, **given})) == left


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"q": '"open'}, "q", "quotation mark"),
        ({"q": "-a"}, "q", "only excludes words"),
        ({"q": "a", "speaker": "agent", "in": "summary"}, "q", "Nobody says the summary"),
        ({"q": "a", "speaker": "agent", "in": "note"}, "q", "Nobody says the note"),
        ({"speaker": "god"}, "speaker", "Must be one of"),
        ({"in": "dreams"}, "in", "Must be one of"),
        ({"state": "DANCING"}, "state", "valid choice"),
        ({"opened_after": "soon"}, "opened_after", "valid date/time"),
        ({"duration_min_s": "-1"}, "duration_min_s", "greater than or equal to 0"),
        ({"duration_max_s": "1e99"}, "duration_max_s", "less than or equal to"),
        ({"alert": "maybe"}, "alert", "valid choice"),
        ({"limit": "101"}, "limit", "from 1 to 100"),
        ({"hits": "0"}, "hits", "from 1 to 100"),
        ({"before": "x"}, "before", "whole number"),
    ],
)
@pytest.mark.parametrize("route", ["/v1/search", "/v1/search.csv"])
def test_invalid_values_are_refused_by_name(api, route, given, field, reason):
    if route.endswith("csv") and field in ("limit", "hits", "before"):
        pytest.skip("the table has no pages")

    response = api.get(route, given)

    assert response.status_code == 400
    assert reason in str(response.json()[field])


@pytest.mark.parametrize(
    "query", ["'", "\\", "a'b", "a & b | !c", "a:*", "\0", "NEAR(a b)", "{x}: a", "^a", "a + b",
              "'; DROP TABLE calls_call; --", "a" * 300, "\U0001f600 x", "[CARD]", "%", "a\nb"],
)  # fmt: skip
def test_no_query_causes_an_error(api, archived, query):
    archived("c-1", ("agent", "hello"))

    assert api.get("/v1/search", {"q": query}).status_code in (200, 400)


def test_pages_follow_each_other(api, archived):
    for n in range(5):
        archived(f"c-{n}", ("agent", "hello"))

    first = api.get("/v1/search", {"q": "hello", "limit": 3, "queue": ""})
    second = api.get(first.json()["next"])

    assert ids(first) == ["c-4", "c-3", "c-2"]
    assert ids(second) == ["c-1", "c-0"]
    assert second.json()["next"] is None


def test_counting_stops_at_a_limit_in_the_api(api, archived, monkeypatch):
    monkeypatch.setattr("calls.api.views.search.COUNT_LIMIT", 2)
    for n in range(3):
        archived(f"c-{n}", ("agent", "hello"))

    answer = api.get("/v1/search", {"q": "hello", "limit": 1}).json()

    assert (answer["count"], answer["count_is_exact"]) == (2, False)


def test_a_page_takes_as_many_queries_however_long_it_is(api, archived, django_assert_num_queries):
    for n in range(6):
        archived(f"c-{n}", ("agent", "hello"))

    # Calls, their tags, analyses, notes, the count.
    with django_assert_num_queries(7 if connection.vendor == "postgresql" else 6):
        assert len(ids(api.get("/v1/search", {"q": "hello"}))) == 6


def rows_of(response) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_has_a_row_for_every_hit(api, archived):
    archived("c-1", ("agent", "refund"), ("customer", "=refund now"), summary="A refund.")
    archived("c-2", ("agent", "nothing"))
    archived("c-3", *[("customer", "a refund")] * 5)

    rows = rows_of(api.get("/v1/search.csv", {"q": "refund"}))

    found = [(row["call_id"], row["where"], row["at"], row["text"]) for row in rows]
    assert found[:5] == [
        ("c-3", "customer", f"00:00:0{n}.000", "a refund") for n in range(5)
    ]  # fmt: skip
    assert found[5:] == [
        ("c-1", "summary", "", "A refund."),
        ("c-1", "agent", "00:00:00.000", "refund"),
        ("c-1", "customer", "00:00:01.000", "'=refund now"),
    ]


def test_a_note_is_found_with_its_author_on_a_call_in_progress_as_well(api, call_in):
    call_in(CallState.IN_PROGRESS, "c-1")
    note = add_note(call_id="c-1", text="=Promised a refund.", by="ana")

    ((hit,),) = [found["hits"] for found in api.get("/v1/search?q=refund").json()["results"]]
    (row,) = rows_of(api.get("/v1/search.csv", {"q": "refund"}))

    assert (hit["where"], hit["name"], hit["note"], hit["turn"]) == ("note", "ana", note.pk, None)
    assert hit["text"] == "=Promised a refund."
    assert (row["where"], row["name"], row["at"]) == ("note", "ana", "")
    assert row["text"] == "'=Promised a refund."


def test_without_words_the_table_has_a_row_for_every_call(api, archived, call_in):
    archived("c-1", ("agent", "hello"), summary="A call.")
    call_in(CallState.FAILED, "c-2")

    rows = rows_of(api.get("/v1/search.csv"))

    assert [(row["call_id"], row["text"]) for row in rows] == [("c-2", ""), ("c-1", "A call.")]


def test_searching_needs_the_scope_to_read(api_with_key):
    sender, reader = api_with_key("ingest", "supervise"), api_with_key("read")

    for route in ("/v1/search?q=a", "/v1/search.csv?q=a"):
        assert sender.get(route).status_code == 403
        assert reader.get(route).status_code == 200
