"""Ids of calls: whatever a sender calls its calls, different calls stay different."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.ingest.call_ids import ENCODED, as_call_id, as_external_id, decode, is_call_id, shortened
from calls.ingest.carriers.fields import call_id_of, stream_of
from calls.models import CALL_ID_LENGTH, Call

SIP_IDS = [
    "f81d4fae-7dec@10.0.0.1;tag=1",
    "{A1B2}~[x]%20/y z",
    "Größe@télé.example",
    "呼び出し-1",
    "A" * 200,
]
SECOND = {"sequence": 2, "data": "Goodbye.", "timestamp": 2.0}
PLAIN = {"sequence": 1, "data": "Hello.", "timestamp": 1.0}


def encoded(text):
    return ENCODED + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=20, unique=True))
def test_different_ids_become_different_calls(ids):
    found = [as_call_id(each) for each in ids]

    named = [each for each in found if each]
    assert len(set(named)) == len(named)
    assert all(is_call_id(each) for each in named)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_an_id_survives_the_address_and_is_the_same_call_every_time(text):
    call_id = as_call_id(text)

    if call_id:
        assert as_call_id(decode(encoded(text))) == call_id
        assert as_call_id(call_id) == call_id
        assert as_external_id(text) == ("" if call_id == text else text.replace("\0", "\ufffd"))


def test_ids_that_are_equal_at_the_beginning_stay_different():
    one, two = (as_call_id("A" * CALL_ID_LENGTH + tail) for tail in ("one", "two"))

    assert one != two
    assert len(one) == len(two) == CALL_ID_LENGTH


@pytest.mark.parametrize(
    "word", ["undefined", "null", "None", "NaN", "[object Object]", " ", "", "unknown"]
)
def test_a_placeholder_is_no_id_so_the_next_field_counts(word):
    assert call_id_of({"call_id": word, "callsid": "CA1"}) == "CA1"


@pytest.mark.parametrize("word", ["stream", ".", ".."])
def test_what_means_something_else_in_an_address_becomes_another_id(word):
    assert is_call_id(as_call_id(word))
    assert as_call_id(word) != word


def test_long_names_of_streams_stay_different():
    one, two = (stream_of({"streamsid": "s" * 128 + tail}) for tail in ("one", "two"))

    assert one != two
    assert shortened("short", 128) == "short"


@pytest.mark.django_db
@pytest.mark.parametrize("own_id", SIP_IDS)
def test_an_encoded_id_reaches_the_same_call_by_every_route(client, own_id):
    address = encoded(own_id)
    post = {"content_type": "application/json"}

    codes = [
        client.post(f"/v1/call/{address}/start", {"queue": "billing"}, **post).status_code,
        client.post(f"/v1/call/stream/{address}", PLAIN, **post).status_code,
        client.post(
            f"/v1/call/stream/{address}/batch", [{**PLAIN, "sequence": 2}], **post
        ).status_code,
        client.post(f"/v1/call/{address}/end", **post).status_code,
    ]

    call = Call.objects.get()
    read = client.get(f"/v1/call/{address}").json()
    assert codes == [200, 202, 202, 200]
    assert (call.packet_count, call.queue, call.external_id) == (2, "billing", own_id)
    assert (read["call_id"], read["external_id"]) == (call.call_id, own_id)
    assert client.get(f"/v1/call/{call.call_id}").json() == read
    found = client.get("/v1/call", {"external_id": own_id}).json()["results"]
    assert [each["call_id"] for each in found] == [call.call_id]


@pytest.mark.django_db
def test_the_first_packet_stores_the_senders_id(client):
    client.post(f"/v1/call/stream/{encoded('a/b')}", PLAIN, content_type="application/json")

    assert Call.objects.get().external_id == "a/b"


@pytest.mark.django_db
@pytest.mark.parametrize("address", [".", "..", "stream", "undefined", "b64:", "b64:%%%", "b64:_w"])
def test_an_address_that_names_no_call_is_refused_with_the_reason(client, address):
    path = f"/v1/call/stream/{address.replace('%', '%25')}"

    answer = client.post(path, PLAIN, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["call_id"]
    assert not Call.objects.exists()


@pytest.mark.django_db
def test_an_id_with_odd_characters_is_taken_from_the_address_as_well(client):
    answer = client.post("/v1/call/stream/%7BA1%7D;x%20y", PLAIN, content_type="application/json")

    assert answer.status_code == 202
    assert Call.objects.get().external_id == "{A1};x y"
