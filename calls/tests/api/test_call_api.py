"""Calls as they are read, listed, retried and analysed again over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallEvent
from calls.tests.analysis.live.utterances import next_revision, utter
from calls.tests.factories import archived_call, packet

pytestmark = pytest.mark.django_db


def listed(api, query=""):
    response = api.get(f"/v1/call{query}")
    assert response.status_code == 200, response.content
    return [call["call_id"] for call in response.json()["results"]]


def walk(api, url):
    """Follow ``next`` to the end, and return what is on each page."""
    pages = []
    while url:
        answer = api.get(url).json()
        pages.append(answer["results"])
        url = answer["next"]
    return pages


def test_a_call_is_read_with_its_counters_streams_and_attempts(api):
    call = archived_call("c-1")
    record_packets([packet("c-1", 9, stream="b")])

    answer = api.get("/v1/call/c-1").json()

    assert (answer["call_id"], answer["state"]) == ("c-1", "ARCHIVED")
    assert (answer["packet_count"], answer["last_sequence"]) == (call.packet_count + 1, 9)
    assert (answer["missing_count"], answer["late_count"]) == (8, 1)
    assert [stream["name"] for stream in answer["streams"]] == ["", "b"]
    assert [attempt["outcome"] for attempt in answer["attempts"]] == ["succeeded"] * 2
    assert isinstance(answer["attempts"][0]["duration_ms"], int)


def test_an_attempt_that_runs_has_no_duration_yet(api, call_in):
    fields = {"round": 0, "number": 1, "lease_token": 1, "provider": "x", "stage": "transcribe"}
    Attempt.objects.create(call=call_in(), started_at=timezone.now(), **fields)

    answer = api.get("/v1/call/c-1").json()

    assert answer["attempts"][0]["duration_ms"] is None


def test_calls_are_listed_newest_first(api, call_in):
    for at in range(3):
        call_in(call_id=f"c-{at}")

    assert listed(api) == ["c-2", "c-1", "c-0"]


def test_pages_list_every_call_once_while_new_ones_arrive(api, call_in):
    for at in range(7):
        call_in(call_id=f"c-{at}")
    first = api.get("/v1/call?limit=3").json()
    call_in(call_id="new")

    rest = walk(api, first["next"])

    seen = [call["call_id"] for page in [first["results"], *rest] for call in page]
    assert seen == [f"c-{at}" for at in reversed(range(7))]
    assert [len(page) for page in rest] == [3, 1]


def test_a_page_links_back_to_the_previous_one(api, call_in):
    for at in range(4):
        call_in(call_id=f"c-{at}")
    first = api.get("/v1/call?limit=2").json()
    second = api.get(first["next"]).json()

    back = api.get(second["previous"]).json()

    assert back["results"] == first["results"]
    assert first["previous"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=ARCHIVED", ["old"]),
        ("?state=ARCHIVED&state=IN_PROGRESS", ["now", "old"]),
        ("?queue=sales", ["old"]),
        ("?queue=Sales", []),
        ("?agent=Ann%20Lee", ["now"]),
        ("?caller=%2B44", ["old"]),
        ("?direction=inbound", ["old"]),
        ("?customer_sentiment=NEGATIVE", ["old"]),
        ("?call_id_prefix=o", ["old"]),
        ("?call_id_prefix=%25", []),
        ("?call_id_prefix=_", []),
        ("?queue=sales&state=IN_PROGRESS", []),
        ("?unknown=1", ["now", "old"]),
    ],
)
def test_calls_are_filtered(api, call_in, query, expected):
    call_in("ARCHIVED", "old", queue="sales", caller="+44", direction="inbound",
            customer_sentiment="NEGATIVE")  # fmt: skip
    call_in("IN_PROGRESS", "now", agent="Ann Lee")

    assert listed(api, query) == expected


def test_calls_are_filtered_by_when_they_were_opened(api, call_in):
    now = timezone.now().replace(microsecond=0)
    call_in(call_id="old", opened_at=now - timedelta(hours=2))
    call_in(call_id="new", opened_at=now)
    middle = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    exactly = now.strftime("%Y-%m-%dT%H:%M:%SZ")

    assert listed(api, f"?opened_after={middle}") == ["new"]
    assert listed(api, f"?opened_before={middle}") == ["old"]
    assert listed(api, f"?opened_after={exactly}") == ["new"]
    assert listed(api, f"?opened_before={exactly}") == ["old"]


def test_a_list_of_calls_is_three_queries(api, call_in, django_assert_num_queries):
    for at in range(60):
        call_in(call_id=f"c-{at}")

    with django_assert_num_queries(3):
        answer = listed(api)

    assert len(answer) == 50


def test_a_call_with_many_attempts_is_five_queries(api, call_in, django_assert_num_queries):
    call = call_in()
    record_packets([packet("c-1", 1, stream=str(at)) for at in range(50)])
    fields = {"number": 1, "lease_token": 1, "provider": "x", "stage": "transcribe"}
    fields |= {"outcome": "failed", "started_at": timezone.now()}
    Attempt.objects.bulk_create(Attempt(call=call, round=at, **fields) for at in range(50))

    with django_assert_num_queries(5):
        answer = api.get("/v1/call/c-1").json()

    assert (len(answer["streams"]), len(answer["attempts"])) == (50, 50)


def test_pages_of_packets_hold_every_packet_once_by_stream_and_sequence(api):
    record_packets([packet("c-1", at, stream="b") for at in (3, 1, 2)])
    record_packets([packet("c-1", at, stream="a") for at in (2, 1)])
    record_packets([packet("c-2", 1)])

    pages = walk(api, "/v1/call/c-1/packets?limit=2")

    rows = [(row["stream"], row["sequence"]) for page in pages for row in page]
    assert rows == [("b", 1), ("b", 2), ("b", 3), ("a", 1), ("a", 2)]
    assert set(pages[0][0]) == {
        "stream", "run", "sequence", "track", "timestamp", "received_at", "late", "data"
    }  # fmt: skip


def test_a_call_without_packets_has_an_empty_page(api, call_in):
    call_in()

    answer = api.get("/v1/call/c-1/packets").json()

    assert answer == {"next": None, "previous": None, "results": []}


def test_the_log_is_read_from_an_offset_to_its_head(api, call_in):
    record_packets([packet("c-1", 3), packet("c-2", 1)])

    first = api.get("/v1/events?limit=2").json()
    second = api.get(f"/v1/events?after={first['next_after']}").json()
    nothing = api.get(f"/v1/events?after={second['next_after']}").json()

    assert [event["call_id"] for event in first["results"]] == ["c-1", "c-2"]
    assert [event["type"] for event in second["results"]] == ["gap_detected"]
    assert first["head"] == second["next_after"] == nothing["next_after"]
    assert nothing["results"] == []
    assert first["epoch"] == second["epoch"]


def test_the_log_of_a_call_holds_its_events_only(api):
    record_packets([packet("c-1", 3), packet("c-2", 1)])

    first = api.get("/v1/call/c-1/events?limit=1").json()
    second = api.get(f"/v1/call/c-1/events?after={first['next_after']}").json()

    assert [event["type"] for event in first["results"] + second["results"]] == [
        "state_change", "gap_detected"
    ]  # fmt: skip
    assert {event["call_id"] for event in first["results"] + second["results"]} == {"c-1"}


@pytest.mark.parametrize(
    ("action", "possible", "status", "done"),
    [
        ("retry", "FAILED", "retry_initiated", "retried"),
        ("reanalyse", "ARCHIVED", "reanalysis_initiated", "reanalysed"),
    ],
)
@pytest.mark.parametrize("state", CallState)
def test_another_round_is_started_or_refused_with_the_state(
    api, call_in, action, possible, status, done, state
):
    call_in(state)

    response = api.post(f"/v1/call/c-1/{action}")

    if state == possible:
        assert response.status_code == 200
        assert response.json() == {"status": status, "call_id": "c-1", "state": "COMPLETED"}
    else:
        detail = f"A call that is {CallState(state).in_words} cannot be {done}."
        assert response.status_code == 409
        assert response.json() == {"detail": detail, "state": state}
        assert Call.objects.get().state == state


def test_the_log_names_the_person_who_requests_another_round(person, settings, call_in):
    settings.API_AUTH = "key"
    call_in("FAILED")

    response = person("operate_call").post("/v1/call/c-1/retry")

    assert response.status_code == 200
    assert CallEvent.objects.get().data["by"] == "ann"


def test_no_person_is_named_without_authentication(api, call_in):
    call_in("FAILED")

    api.post("/v1/call/c-1/retry")

    assert CallEvent.objects.get().data["by"] == ""


def test_a_transcript_tells_who_said_what(api):
    archived_call("c-1")

    answer = api.get("/v1/call/c-1/transcript").json()

    assert (answer["call_id"], answer["state"], answer["redacted"]) == ("c-1", "ARCHIVED", True)
    assert [(turn["speaker"], turn["text"]) for turn in answer["turns"]] == [("agent", "Hello.")]
    assert {"begin_ms", "end_ms", "sentiment"} <= set(answer["turns"][0])
    assert answer["summary"] == "A call."


def test_a_finished_transcript_says_that_it_is_not_live(api):
    utter(archived_call("c-1"), "Heard live.")

    answer = api.get("/v1/call/c-1/transcript").json()

    assert answer["live"] is False
    assert [turn["text"] for turn in answer["turns"]] == ["Hello."]


@pytest.mark.parametrize("state", ["IN_PROGRESS", "COMPLETED", "PROCESSING_AI", "FAILED"])
def test_until_there_is_a_transcript_the_live_words_are_returned(api, call_in, state):
    call = call_in(state)
    utter(call, "They charged me twice.", speaker="customer", sentiment="NEGATIVE", score=-0.5)
    next_revision(call, heard_until_ms=900, skipped=[[1000, 2000]])

    answer = api.get("/v1/call/c-1/transcript").json()

    assert answer == {
        "call_id": "c-1",
        "state": state,
        "live": True,
        "revision": 2,
        "heard_until_ms": 900,
        "skipped": [[1000, 2000]],
        "notes": [],
        "fields": {},
        "turns": [
            {
                "speaker": "customer",
                "begin_ms": 0,
                "end_ms": 800,
                "text": "They charged me twice.",
                "words": [],
                "sentiment": "NEGATIVE",
                "score": -0.5,
            }
        ],
        "redacted": True,
    }


def test_a_call_without_live_words_has_no_transcript(api, call_in):
    next_revision(call_in("IN_PROGRESS"))

    answer = api.get("/v1/call/c-1/transcript")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "This call has no transcript yet: it is IN_PROGRESS."


@pytest.mark.parametrize("wanted", ["text", "vtt", "contactlens", "vcon"])
def test_exports_need_a_finished_transcript(api, call_in, wanted):
    utter(call_in("IN_PROGRESS"))

    assert api.get(f"/v1/call/c-1/transcript?as={wanted}").status_code == 404


def test_a_person_with_the_permission_reads_unredacted_live_words(person, settings, call_in):
    settings.API_AUTH = "key"
    call = call_in("IN_PROGRESS")
    utter(call, "I am Ann.", shown="I am [NAME].")
    utter(call, "4 1 1 1", shown=None)

    may = person("view_call", "view_unredacted").get("/v1/call/c-1/transcript?redacted=false")

    assert [turn["text"] for turn in may.json()["turns"]] == ["I am Ann.", "4 1 1 1"]
    assert may.json()["redacted"] is False


def test_a_key_never_reads_live_words_that_are_personal_or_held_back(api_with_key, call_in):
    call = call_in("IN_PROGRESS")
    utter(call, "I am Ann.", shown="I am [NAME].")
    utter(call, "4 1 1 1", shown=None)
    client = api_with_key("read", "supervise", "ingest")

    plain = client.get("/v1/call/c-1/transcript?redacted=false")
    masked = client.get("/v1/call/c-1/transcript")

    assert plain.status_code == 403
    assert [turn["text"] for turn in masked.json()["turns"]] == ["I am [NAME]."]
    assert b"4 1 1 1" not in masked.content


@pytest.mark.parametrize(
    ("permissions", "status"), [((), 403), (("view_unredacted",), 200)], ids=["without", "with"]
)
def test_unredacted_words_need_a_permission(person, settings, permissions, status):
    settings.API_AUTH = "key"
    archived_call("c-1")
    client = person("view_call", *permissions)

    plain = client.get("/v1/call/c-1/transcript?redacted=false")
    masked = client.get("/v1/call/c-1/transcript?redacted=true")

    assert plain.status_code == status
    assert masked.json()["redacted"] is True
    if status == 200:
        assert plain.json()["redacted"] is False
    else:
        assert "view_unredacted" in plain.json()["detail"]


def test_a_key_reads_masked_words_only(api_with_key):
    archived_call("c-1")
    client = api_with_key("read", "supervise", "ingest")

    plain = client.get("/v1/call/c-1/transcript?redacted=false")
    masked = client.get("/v1/call/c-1/transcript")

    assert (plain.status_code, masked.status_code) == (403, 200)


def test_packet_data_needs_the_permission_to_read_personal_data(api_with_key):
    record_packets([packet("c-1", 1)])

    by_key = api_with_key("read").get("/v1/call/c-1/packets").json()["results"]

    assert [(row["sequence"], row["data"]) for row in by_key] == [(1, None)]


def test_an_open_api_shows_packet_data(api):
    record_packets([packet("c-1", 1)])

    (row,) = api.get("/v1/call/c-1/packets").json()["results"]

    assert row["data"] == "words"
