"""Packets over HTTP: one, many, with a description, and the end of a call."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from calls.ingest import alone, buffer
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, Packet, Stream

pytestmark = pytest.mark.django_db
PACKET = "/v1/call/stream/c-1"
BATCH = f"{PACKET}/batch"
GOOD = {"sequence": 1, "data": "hello", "timestamp": 1.5}


def good(sequence, **fields):
    return {**GOOD, "sequence": sequence, **fields}


def post_lines(api, lines, url=BATCH):
    return api.generic("POST", url, "\n".join(lines), content_type="application/x-ndjson")


def stored():
    return list(Packet.objects.order_by("sequence").values_list("sequence", flat=True))


def test_a_packet_is_accepted_and_stored(api):
    response = api.post(PACKET, {**GOOD, "stream": "s", "track": "agent", "media": "text/plain"})

    row = Packet.objects.select_related("stream__call").get()
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    assert (row.sequence, row.data, row.timestamp, row.track) == (1, "hello", 1.5, "agent")
    assert (row.stream.name, row.stream.media, row.stream.call.call_id) == (
        "s", "text/plain", "c-1"
    )  # fmt: skip


def test_a_repeated_packet_gets_the_same_response_as_the_first(api):
    answers = [api.post(PACKET, GOOD) for _ in range(3)]

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (202, b'{"status":"accepted"}')
    }
    assert stored() == [1]
    assert Call.objects.get().duplicate_count == 2


@pytest.mark.parametrize("state", CallState)
def test_a_packet_is_accepted_in_every_state_of_its_call(api, call_in, state):
    call_in(state)

    response = api.post(PACKET, GOOD)

    assert response.status_code == 202
    assert Packet.objects.get().late is (state != CallState.IN_PROGRESS)
    assert Call.objects.get().state == state


@pytest.mark.parametrize(
    "call_id", ["a", "x" * 128, "0", "+44-20.7946:0112@pbx_1", "batch", "end", "-", "STREAM"]
)
def test_any_call_id_of_the_rule_can_be_streamed_read_and_ended(api, call_id):
    sent = api.post(f"/v1/call/stream/{call_id}", GOOD)
    many = api.post(f"/v1/call/stream/{call_id}/batch", [good(2)])
    read = api.get(f"/v1/call/{call_id}")
    ended = api.post(f"/v1/call/{call_id}/end")

    assert [answer.status_code for answer in (sent, many, read, ended)] == [202, 202, 200, 200]
    assert read.json()["call_id"] == ended.json()["call_id"] == call_id
    assert read.json()["packet_count"] == 2


def test_a_percent_encoded_id_is_the_same_as_a_plain_one(api):
    api.post("/v1/call/stream/%63%2D1", GOOD)

    assert Call.objects.get().call_id == "c-1"


def test_a_batch_is_stored_in_the_order_of_its_sequences(api):
    response = api.post(BATCH, [good(3), good(1), good(2)])

    assert (response.status_code, response.json()) == (202, {"status": "accepted", "accepted": 3})
    assert stored() == [1, 2, 3]
    assert not CallEvent.objects.filter(type="gap_detected").exists()


def test_a_batch_of_the_greatest_size_is_taken(api):
    response = api.post(BATCH, [good(at) for at in range(1, 1_001)])

    assert response.json()["accepted"] == 1_000
    assert Call.objects.get().packet_count == 1_000


def test_a_batch_counts_what_it_accepted_repeats_included(api):
    response = api.post(BATCH, [good(1), good(1), good(2)])

    assert response.json()["accepted"] == 3
    assert stored() == [1, 2]


def test_a_mixed_batch_stores_valid_packets_and_names_invalid_ones(api):
    response = api.post(BATCH, [good(1), {"sequence": "x"}, good(2), None, 7])

    rejected = {item["index"]: item["errors"] for item in response.json()["rejected"]}
    assert response.status_code == 207
    assert (response.json()["status"], response.json()["accepted"]) == ("partially_accepted", 2)
    assert set(rejected) == {1, 3, 4}
    assert set(rejected[1]) == {"sequence", "data", "timestamp"}
    assert rejected[1]["sequence"] == ["Must be an integer, not string."]
    assert stored() == [1, 2]


def test_an_atomic_batch_is_stored_whole_or_not_at_all(api):
    refused = api.post(f"{BATCH}?atomic=true", [good(1), {}])
    taken = api.post(f"{BATCH}?atomic=true", [good(1), good(2)])
    loose = api.post(f"{BATCH}?atomic=false", [good(3), {}])

    assert (refused.status_code, refused.json()["accepted"]) == (400, 0)
    assert [item["index"] for item in refused.json()["rejected"]] == [1]
    assert (taken.status_code, loose.status_code) == (202, 207)
    assert stored() == [1, 2, 3]


def test_a_batch_may_be_one_packet_a_line(api):
    lines = [json.dumps(good(1)), "", json.dumps(good(2)) + "\r", "   "]

    response = post_lines(api, lines)

    assert (response.status_code, response.json()["accepted"]) == (202, 2)
    assert stored() == [1, 2]


def test_lines_may_be_mixed_as_well(api):
    response = post_lines(api, [json.dumps(good(1)), "{}", "[]"])

    assert response.status_code == 207
    assert [item["index"] for item in response.json()["rejected"]] == [1, 2]


def test_line_separators_of_unicode_do_not_end_a_line(api):
    words = "one\u2028two\u0085three"

    response = post_lines(api, [json.dumps(good(1, data=words), ensure_ascii=False)])

    assert response.status_code == 202
    assert Packet.objects.get().data == words


def test_a_start_may_come_before_during_and_after_the_packets(api):
    first = api.post("/v1/call/c-1/start", {"media": "text/plain", "direction": "inbound"})
    api.post(PACKET, GOOD)
    second = api.post("/v1/call/c-1/start", {"agent": "Ann", "queue": "sales"})
    api.post("/v1/call/c-1/end")
    third = api.post("/v1/call/c-1/start", {"callee": "+49"})

    call = Call.objects.get()
    assert first.json() == {"status": "started", "call_id": "c-1", "state": "IN_PROGRESS"}
    assert (second.status_code, third.json()["state"]) == (200, "COMPLETED")
    assert (call.media, call.direction, call.agent) == ("text/plain", "inbound", "Ann")
    assert (call.queue, call.callee, call.caller) == ("sales", "+49", "")


@pytest.mark.parametrize("language", ["de", "en-GB", "zh-Hant-TW", ""])
def test_a_start_says_the_language_of_the_call(api, language):
    response = api.post("/v1/call/c-1/start", {"language": language})

    assert response.status_code == 200
    assert Call.objects.get().language == language
    assert CallEvent.objects.filter(type="call_described").get().data["language"] == language


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("German", "language: 'German' is not a BCP 47 code such as de or en-GB"),
        ("de-x-abcdefgh-abcd", "no more than 16 characters"),
    ],
)
def test_an_invalid_language_is_refused_with_the_field_and_its_rule(api, language, reason):
    response = api.post("/v1/call/c-1/start", {"language": language})

    assert response.status_code == 400
    assert "language" in str(response.json())
    assert reason in str(response.json())
    assert not Call.objects.exists()


def test_a_start_needs_no_body_and_opens_the_call(api):
    response = api.post("/v1/call/c-1/start")

    assert response.status_code == 200
    assert Call.objects.get().is_live


def test_a_repeated_start_is_harmless(api):
    for _ in range(3):
        api.post("/v1/call/c-1/start", {"agent": "Ann", "direction": ""})

    assert Call.objects.count() == 1
    assert CallEvent.objects.count() == 2


def test_a_repeated_end_starts_the_analysis_once(api):
    api.post(PACKET, GOOD)

    first, second = (api.post("/v1/call/c-1/end") for _ in range(2))

    assert (first.status_code, first.json()) == (
        200, {"status": "processing_initiated", "call_id": "c-1"}
    )  # fmt: skip
    assert (second.status_code, second.json()) == (
        200, {"status": "already_completed", "state": "COMPLETED"}
    )  # fmt: skip
    assert OrmQ.objects.count() == 1
    assert Call.objects.get().end_reason == "requested"


def test_the_log_names_the_key_that_ended_a_call(api_with_key):
    client = api_with_key("ingest")
    client.post(PACKET, GOOD)

    client.post("/v1/call/c-1/end")

    assert CallEvent.objects.last().data["by"] == "key test"


def test_an_end_ignores_what_is_in_its_body(api, call_in):
    call_in(CallState.IN_PROGRESS)

    response = api.generic("POST", "/v1/call/c-1/end", b"\xff{nonsense", content_type="text/csv")

    assert response.status_code == 200


@pytest.mark.parametrize("url", [PACKET, BATCH])
def test_during_a_database_outage_the_sender_is_told_to_retry(api, monkeypatch, url):
    def away(packets):
        raise OperationalError("connection refused")

    monkeypatch.setattr(alone, "record_packets", away)

    response = api.post(url, [GOOD] if url == BATCH else GOOD)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert "Nothing was stored" in response.json()["detail"]
    assert not Stream.objects.exists()


def test_under_overload_the_sender_is_told_to_retry(api, settings, monkeypatch):
    settings.GROUP_COMMIT = True
    monkeypatch.setattr(buffer._Process, "buffer", buffer.Buffer(capacity=0))

    response = api.post(PACKET, GOOD)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
