"""The ids that carriers send: each stream finds its own call, and no call gets another's audio."""

from __future__ import annotations

import json
from copy import deepcopy
from urllib.parse import quote

import pytest
from channels.db import database_sync_to_async

from calls.ingest.call_ids import as_call_id
from calls.ingest.carriers.detect import AnyParser
from calls.models import Call
from calls.tests.ingest.carriers.carrier_calls import TWILIO_START, connect


def start(call_id, stream="MZ1"):
    """The start message of a Twilio-like stream."""
    message = deepcopy(TWILIO_START)
    message["streamSid"] = message["start"]["streamSid"] = stream
    message["start"]["callSid"] = call_id
    return message


def read(message):
    """Return the start that a parser reads."""
    [event] = AnyParser().text(json.dumps(message))
    return event


@pytest.mark.parametrize(
    ("one", "other"),
    [("A" * 128 + "one", "A" * 128 + "two"), ("a b", "a_b"), ("a/b", "a;b"), ("é", "e\u0301"),
     (" a", "a"), ("a", "A"), ("a\0", "a"), ("x" * 1000 + "1", "x" * 1000 + "2")],
)  # fmt: skip
def test_different_ids_open_different_calls(one, other):
    assert read(start(one)).call_id != read(start(other)).call_id


@pytest.mark.parametrize(
    "call_id",
    [
        *("undefined", "null", "None", "[object Object]", "", None, {}),
        *(0, -1, "0", "-1", True, "{{CallSid}}", "${uuid}", "callSid"),
    ],
)
def test_without_an_id_the_stream_names_the_call(call_id):
    found = read(start(call_id))

    assert (found.call_id, found.stream) == ("", "MZ1")
    assert "external_id" not in found.description


def test_long_stream_names_stay_different():
    one, other = (read(start("", "s" * 128 + end)).stream for end in ("1", "2"))

    assert one != other
    assert len(one) <= 128


@pytest.mark.parametrize(
    ("words", "call_id"),
    [("fork-2", "fork-2"), ("1764300004.12\n", "1764300004.12"), ("inbound", ""),
     ("call from sales 2", ""), ("+491701234567", ""), ("metadata", "")],
)  # fmt: skip
def test_words_before_the_audio_name_the_call_only_if_they_can(words, call_id):
    parser = AnyParser()
    parser.text(words)

    assert parser.binary(b"\0" * 320)[0].call_id == call_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("own", [None, "a%b{c}[d];e~f", "ü-1 2"])
async def test_the_senders_id_is_kept_and_names_the_call(settings, own):
    settings.API_AUTH = "open"
    path = f"/v1/media/{quote(own, safe='')}" if own else "/v1/media"
    sent = own or "sip/1;tag=2"
    carrier = await connect(path=path)

    await carrier.say(start(sent))
    await carrier.say({"event": "stop", "streamSid": "MZ1"})
    await carrier.close_code()

    call = await database_sync_to_async(Call.objects.get)()
    assert (call.call_id, call.external_id) == (as_call_id(sent), sent)
