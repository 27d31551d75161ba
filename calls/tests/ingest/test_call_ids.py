"""Different external ids give different call ids."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calls.api.addresses import read_path
from calls.ingest.call_ids import (
    PLACEHOLDERS,
    as_call_id,
    as_external_id,
    decode,
    encode,
    is_call_id,
)
from calls.models import CALL_ID_PATTERN, Call

GOOD = {"sequence": 1, "data": "hello", "timestamp": 1.5}

SIP = [
    "a84b4c76e66710%40pc33",
    "{4711}",
    "[::1]-4711",
    "a;b=c",
    "~4711~",
    "a/b",
    "a b",
    "ü-4711",
    "b64:4711",
    "%2e%2e",
    "/",
    "x" * 131,
]
ids = st.one_of(
    st.text(min_size=1),
    st.text("AB._%/ ~", min_size=1, max_size=4),
    st.text("x", min_size=120, max_size=140),
).filter(as_call_id)


@settings(deadline=None)
@given(ids, ids)
@example("A" * 128 + "one", "A" * 128 + "two")
@example("a b", "a_b")
@example("a b", "a  b")
@example("b64:a", "b64:b")
@example(".", "..")
def test_different_ids_give_different_valid_call_ids(one, other):
    made = as_call_id(one)

    assert (made == as_call_id(other)) is (one == other)
    assert re.fullmatch(CALL_ID_PATTERN, made)
    assert is_call_id(made)
    assert as_call_id(made) == made == as_call_id(one)
    assert made != one or as_external_id(one) == ""


@settings(deadline=None)
@given(ids)
def test_every_id_survives_the_address(text):
    whole = text.encode("utf-8", "surrogatepass")
    if "\ud800" <= max(text) <= "\udfff":
        return
    literal = read_path(f"/v1/call/stream/{quote(text, safe='')}/batch".encode())
    named = literal.removeprefix("/v1/call/stream/").removesuffix("/batch")

    assert decode(encode(whole)) == text
    if not text.startswith("b64:") and text not in {".", "..", "stream"}:
        assert decode(named) == text


@pytest.mark.parametrize("text", [*sorted(PLACEHOLDERS), "", " ", " null "])
def test_a_placeholder_is_not_an_id(text):
    assert as_call_id(text) == ""


TEMPLATES = [
    *(
        "{{CallSid}}",
        "{{ call_id }}",
        "${call_id}",
        "{callId}",
        "#{call.id}",
        "<uuid>",
        "<call id>",
    ),
    *("<%= call_id %>", "%callid%", "$call_id", "$(uuid)", " {{uuid}} ", "{{call.customer.id}}"),
]
IDS_IN_BRACKETS = [
    *("{4711}", "{7B2C0A52-11AB-4C3D}", "{deadbeef}", "<4711@pbx.example.com>", "%4711%", "$17"),
    *("a{b}", "{a};{b}", "<>", "{}", "%", "${}", "[::1]", "{{", "string-7", "callid-1"),
]


@pytest.mark.parametrize("text", TEMPLATES)
def test_an_unfilled_template_is_not_an_id(text):
    assert as_call_id(text) == as_external_id(text) == ""


@pytest.mark.parametrize("text", IDS_IN_BRACKETS)
def test_an_id_in_brackets_is_accepted(text):
    assert as_call_id(text)


@pytest.mark.parametrize(
    "addressed", [".", "..", "undefined", "b64:", "b64:%", "b64:_w", "{{CallSid}}", "${id}"]
)
@pytest.mark.parametrize("route", ["stream/{}", "stream/{}/batch", "{}/start", "{}/end"])
@pytest.mark.django_db
def test_an_address_without_an_id_is_refused_with_the_reason(api, addressed, route):
    body = [GOOD] if route.endswith("batch") else GOOD if "stream" in route else {}

    response = api.post(f"/v1/call/{route.format(quote(addressed, safe=''))}", body)

    assert response.status_code == 400
    assert "call_id" in response.json()
    assert not Call.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("sip", SIP)
def test_a_sip_call_id_takes_packets_and_is_found_on_every_route(api, sip):
    at = encode(sip.encode())

    first = api.post(f"/v1/call/stream/{at}", GOOD)
    second = api.post(f"/v1/call/stream/{at}/batch", [{**GOOD, "sequence": 2}])
    started = api.post(f"/v1/call/{at}/start", {"agent": "Ann"})
    ended = api.post(f"/v1/call/{at}/end", {})

    assert [first.status_code, second.status_code] == [202, 202]
    assert [started.status_code, ended.status_code] == [200, 200]
    call = Call.objects.get()
    assert (call.external_id, call.packet_count, call.agent) == (sip, 2, "Ann")
    assert call.call_id == as_call_id(sip) == api.get(f"/v1/call/{at}").json()["call_id"]
    found = api.get("/v1/call", {"external_id": sip}).json()["results"]
    assert [each["call_id"] for each in found] == [call.call_id]


@pytest.mark.django_db
def test_start_refuses_another_external_id_than_that_of_the_address(api):
    at = encode(b"a/b")

    response = api.post(f"/v1/call/{at}/start", {"external_id": "c/d"})

    assert response.status_code == 400
    assert "external_id" in response.json()


def test_the_path_keeps_what_is_not_an_id():
    assert read_path(b"/v1/call/c-1/tags/billing%2Flate%20fee") == (
        "/v1/call/c-1/tags/billing/late fee"
    )
    assert read_path(b"/v1/call/stream/c-1/batch/") == "/v1/call/stream/c-1/batch"
    assert read_path(b"/v1/call/stream/") == "/v1/call/stream/"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "accepted", ["application/xml", "text/event-stream", "nonsense", "image/*"]
)
def test_no_accept_header_loses_a_packet(api, accepted):
    response = api.post("/v1/call/stream/c-1", GOOD, headers={"Accept": accepted})

    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
