"""The Django admin, as people with different permissions see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from calls.admin import lists
from calls.ingest.record import record_packets
from calls.keys import create_key
from calls.lifecycle import CallState
from calls.models import (
    Analysis,
    ApiKey,
    Attempt,
    BulkAction,
    Call,
    CallEvent,
    Packet,
    Stage,
    Stream,
    Transcript,
    WorkerHeartbeat,
)
from calls.tests.factories import packet

pytestmark = pytest.mark.django_db
ROWS = 200
HOSTILE = '<script>alert("1")</script>'
# Session, user, open alerts, the rows; PostgreSQL also estimates the number of rows.
MOST_QUERIES = 8
MODELS = {
    f"calls_{model._meta.model_name}": model
    for model in (
        Call, Packet, CallEvent, Attempt, Transcript, Analysis, ApiKey, WorkerHeartbeat, BulkAction
    )
}  # fmt: skip
LISTS = list(MODELS)
OF_A_CALL = LISTS[1:6]


def changelist(name: str) -> str:
    return reverse(f"admin:{name}_changelist")


def change(row: Any) -> str:
    return reverse(f"admin:calls_{row._meta.model_name}_change", args=[row.pk])


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def counts(queries: CaptureQueriesContext) -> list[str]:
    """Return the queries that count all rows; the navigation counts some of the open alerts."""
    asked = [query["sql"] for query in queries]
    return [sql for sql in asked if "COUNT(" in sql and "LIMIT" not in sql]


def rows_in(response: Any) -> int:
    return len(response.context["cl"].result_list)


@pytest.fixture
def many() -> None:
    """200 rows of each kind, each of another call."""
    record_packets([packet(f"c-{at}", 1, data="x" * 5_000) for at in range(ROWS)])
    now = timezone.now()
    calls = list(Call.objects.all())
    Attempt.objects.bulk_create(attempt(call) for call in calls)
    transcripts = Transcript.objects.bulk_create(transcript(call) for call in calls)
    Analysis.objects.bulk_create(analysis(row) for row in transcripts)
    ApiKey.objects.bulk_create(
        ApiKey(name=f"key {at}", prefix=str(at), digest=str(at), scopes=["ingest"])
        for at in range(ROWS)
    )
    WorkerHeartbeat.objects.bulk_create(
        WorkerHeartbeat(name=f"host:{at}", started_at=now, seen_at=now) for at in range(ROWS)
    )
    BulkAction.objects.bulk_create(BulkAction(kind="end", by="ann", total=1) for at in range(ROWS))


def attempt(call: Call, **fields: Any) -> Attempt:
    fixed = {"round": 0, "number": 1, "lease_token": 1, "started_at": timezone.now()}
    return Attempt(call=call, stage=Stage.TRANSCRIBE, provider="fake", **fixed, **fields)


def transcript(call: Call, **fields: Any) -> Transcript:
    fixed = {"version": 1, "duration_ms": 5, "speech": {}, "created_at": timezone.now()}
    return Transcript(call=call, **{"turns": [], **fixed, **fields})


def analysis(row: Transcript, **fields: Any) -> Analysis:
    fixed = {"version": 1, "turns": [], "metrics": {}, "created_at": timezone.now()}
    return Analysis(call=row.call, transcript=row, **fixed, **fields)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_needs_few_queries_and_counts_nothing(boss, many, name):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = boss.get(changelist(name))

    assert rows_in(response) == 100
    assert response.context["cl"].result_count == ROWS
    asks_for_estimate = connection.vendor == "postgresql"
    assert len(queries) <= MOST_QUERIES + asks_for_estimate
    assert counts(queries) == []


@pytest.mark.parametrize("name", OF_A_CALL)
def test_a_search_finds_the_rows_of_one_call_and_counts_nothing(boss, many, name):
    with CaptureQueriesContext(connection) as queries:
        found, none, part = (
            boss.get(changelist(name), {"q": call_id}) for call_id in (" c-7 ", "nobody", "c-")
        )

    assert [rows_in(response) for response in (found, none, part)] == [1, 0, 0]
    assert "c-7<" in text_of(found)
    assert counts(queries) == []


@pytest.mark.parametrize(("term", "number"), [("c-19", 11), ("sales", 2), ("Ann Lee", 1), ("x", 0)])
def test_calls_are_found_by_the_start_of_their_id_or_by_queue_or_agent(boss, many, term, number):
    Call.objects.filter(call_id__in=["c-1", "c-2"]).update(queue="sales")
    Call.objects.filter(call_id="c-3").update(agent="Ann Lee")

    response = boss.get(changelist("calls_call"), {"q": term})

    assert rows_in(response) == number


def test_packets_are_listed_newest_first_and_within_a_call_in_their_order(boss):
    record_packets([packet("c-1", 2), packet("c-1", 3)])
    record_packets([packet("c-1", 1)])

    everything = boss.get(changelist("calls_packet"))
    of_call = boss.get(changelist("calls_packet"), {"q": "c-1"})
    of_stream = boss.get(changelist("calls_packet"), {"stream__id__exact": Stream.objects.get().pk})

    assert [row.sequence for row in everything.context["cl"].result_list] == [1, 3, 2]
    assert [row.sequence for row in of_call.context["cl"].result_list] == [1, 2, 3]
    assert [row.sequence for row in of_stream.context["cl"].result_list] == [1, 2, 3]


def test_filters_without_an_index_are_offered_within_one_call_only(boss, call_in):
    call_in(CallState.ARCHIVED)
    record_packets([packet("c-1", 1), packet("c-2", 1)])
    packets, log = changelist("calls_packet"), changelist("calls_callevent")

    wide = boss.get(packets, {"late": "True"}), boss.get(log, {"type": "late_packets"})
    narrow = (
        boss.get(packets, {"q": "c-1", "late": "False"}),
        boss.get(log, {"q": "c-1", "type": "late_packets"}),
    )

    assert [rows_in(response) for response in wide] == [2, 2]
    assert [rows_in(response) for response in narrow] == [0, 1]
    assert 'id="changelist-filter"' not in text_of(wide[0])
    assert "On time" in text_of(narrow[0])


def test_a_list_reaches_a_limited_number_of_rows_and_reads_no_more(boss, many, monkeypatch):
    monkeypatch.setattr(lists, "REACHABLE", 150)

    first = boss.get(changelist("calls_packet"))
    second = boss.get(changelist("calls_packet"), {"p": 2})

    assert first.context["cl"].result_count == 150
    assert rows_in(second) == 50


def test_packet_lists_fetch_and_show_only_the_beginning_of_the_data(boss):
    record_packets([packet("c-1", 1, data="y" * 5_000)])

    with CaptureQueriesContext(connection) as queries:
        page = text_of(boss.get(changelist("calls_packet")))

    assert f"{'y' * 79}…" in page
    assert "y" * 80 not in page
    assert not [query for query in queries if '"calls_packet"."data" AS' in query["sql"]]
    assert not [query for query in queries if '"late", "calls_packet"."data"' in query["sql"]]


def test_the_page_of_a_call_shows_a_bounded_part_of_its_streams_and_attempts(boss, call_in):
    call = call_in(CallState.PROCESSING_AI)
    Stream.objects.bulk_create(Stream(call=call, name=f"s-{at}") for at in range(ROWS))
    Attempt.objects.bulk_create(
        attempt(call, outcome="failed", error=f"error {at}") for at in range(ROWS)
    )
    ContentType.objects.get_for_model(Call)  # as in a process that has answered before

    with CaptureQueriesContext(connection) as queries:
        page = text_of(boss.get(change(call)))

    assert "s-199" in page
    assert "error 150" in page
    assert "s-149" not in page
    assert "error 149" not in page
    assert len(queries) <= 10
    assert counts(queries) == []
    assert all(f"{changelist(name)}?q=c-1" in page for name in OF_A_CALL)


def test_only_the_parties_of_a_call_can_be_corrected(person, call_in):
    call = call_in(CallState.ARCHIVED, agent="Bob", packet_count=5)
    client = person("view_call", "change_call", "view_stream", "view_attempt")
    inlines = {
        f"{name}-{count}_FORMS": 0
        for name in ("streams", "attempts")
        for count in ("TOTAL", "INITIAL")
    }
    sent = {"agent": "", "caller": "+44", "callee": "", "queue": "sales", "direction": "inbound"}
    forged = {"state": "FAILED", "packet_count": 0, "call_id": "other", "last_error": "no"}

    response = client.post(change(call), {**sent, **forged, **inlines})

    assert response.status_code == 302
    changed = Call.objects.get()
    assert (changed.agent, changed.caller, changed.queue) == ("", "+44", "sales")
    assert (changed.state, changed.packet_count, changed.call_id) == ("ARCHIVED", 5, "c-1")
    event = CallEvent.objects.get()
    assert (event.type, event.data["queue"]) == ("call_described", "sales")


def test_a_correction_does_not_undo_what_happened_meanwhile(boss, call_in):
    call = call_in()
    page = boss.get(change(call))
    record_packets([packet("c-1", 1)])
    data = {"agent": "Bob", "caller": "", "callee": "", "queue": "", "direction": ""}
    for formset in page.context["inline_admin_formsets"]:
        data |= {f"{formset.formset.prefix}-{key}": value
                 for key, value in formset.formset.management_form.initial.items()}  # fmt: skip

    response = boss.post(change(call), data)

    assert response.status_code == 302
    call = Call.objects.get()
    assert (call.agent, call.packet_count) == ("Bob", 1)


@pytest.mark.parametrize("name", LISTS)
def test_records_are_neither_added_nor_deleted(boss, many, name):
    row = MODELS[name].objects.all()[0]

    added = boss.get(reverse(f"admin:{name}_add"))
    deleted = boss.get(reverse(f"admin:{name}_delete", args=[row.pk]))
    page = boss.get(change(row))

    assert added.status_code == (200 if name == "calls_apikey" else 403)
    assert deleted.status_code == (200 if name == "calls_workerheartbeat" else 403)
    assert page.status_code == 200
    # An offer of rows would be slow; calls and keys choose between a few words.
    offers = name in ("calls_call", "calls_apikey")
    assert "<select" not in page.content.decode() or offers


@pytest.mark.parametrize("name", [*OF_A_CALL, "calls_workerheartbeat", "calls_bulkaction"])
def test_records_cannot_be_changed_by_posting(boss, many, name):
    row = MODELS[name].objects.all()[0]

    response = boss.post(change(row), {"sequence": 99, "type": "x", "outcome": "x", "version": 9})

    assert response.status_code == 403


def test_unredacted_words_need_a_permission_in_the_admin(person, call_in):
    call = call_in(CallState.ARCHIVED)
    record_packets([packet("c-1", 1)])
    row = transcript(call)
    row.save()
    client = person("view_packet", "view_transcript", "view_callevent")

    answers = [
        client.get(url).status_code
        for url in (changelist("calls_packet"), change(Packet.objects.get()),
                    changelist("calls_transcript"), change(row), changelist("calls_callevent"))
    ]  # fmt: skip

    assert answers == [403, 403, 403, 403, 200]


def test_hostile_text_is_escaped_in_the_admin(boss, call_in):
    call = call_in(CallState.PROCESSING_AI, agent=HOSTILE, queue=HOSTILE, last_error=HOSTILE)
    tried = attempt(call, error=HOSTILE, code=HOSTILE)
    tried.save()
    heard = transcript(call, turns=[{"text": HOSTILE}], provenance={HOSTILE: HOSTILE})
    heard.save()
    found = analysis(heard, summary=HOSTILE, insights={"issue": HOSTILE}, keywords=[HOSTILE])
    found.save()
    record_packets([packet("c-1", 1, data=HOSTILE, stream=HOSTILE, track=HOSTILE)])
    key, _ = create_key(name=HOSTILE, scopes=["read"])
    rows = [call, tried, heard, found, key, Packet.objects.get(), CallEvent.objects.get()]

    pages = [text_of(boss.get(change(row))) for row in rows]
    pages += [text_of(boss.get(changelist(name))) for name in LISTS]

    assert all("<script>alert" not in page for page in pages)
    assert all("alert(" in page for page in pages[:6])


def test_json_is_shown_on_several_lines(boss, call_in):
    row = transcript(call_in(), turns=[{"text": "Grüße <b>", "begin_ms": 5}])
    row.save()

    page = text_of(boss.get(change(row)))

    shown = '[\n  {\n    "text": "Grüße <b>",\n    "begin_ms": 5\n  }\n]'
    assert f"<pre>{escape(shown)}</pre>" in page


def test_a_heartbeat_says_whether_its_worker_is_alive(boss):
    now = timezone.now()
    for name, age in (("alive:1", 5), ("dead:2", 300)):
        seen_at = now - timedelta(seconds=age)
        WorkerHeartbeat.objects.create(name=name, started_at=seen_at, seen_at=seen_at)

    page = text_of(boss.get(changelist("calls_workerheartbeat")))

    assert page.index("alive:1") < page.index(">Alive<") < page.index("dead:2")
    assert page.index("dead:2") < page.index(">Silent<")


def test_a_nul_in_a_search_is_refused_without_an_error(boss, call_in):
    call_in()

    answers = [boss.get(changelist(name), {"q": "\0"}).status_code for name in LISTS[:6]]

    assert answers == [200] * 6


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL's statistics")
def test_postgresql_estimates_the_number_of_rows(boss, many, monkeypatch):
    monkeypatch.setattr(lists, "REACHABLE", 100)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE calls_packet")

    page = text_of(boss.get(changelist("calls_packet")))

    assert "About 200 rows." in page
