"""Who may open a media stream: keys, and signed handshakes."""

import json

import pytest
from channels.db import database_sync_to_async

from calls.ingest.carriers.signature import sign
from calls.keys import create_key
from calls.models import Call
from calls.tests.ingest.carriers.carrier_calls import CALL_ID, SID, TWILIO_START, call_of, connect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _open_api(settings):
    settings.API_AUTH = "open"


@pytest.mark.parametrize(("token", "code"), [("", 4401), ("cc_wrong", 4403)])
async def test_without_a_key_nothing_is_stored(settings, token, code):
    settings.API_AUTH = "key"
    start = json.loads(json.dumps(TWILIO_START))
    start["start"]["customParameters"]["token"] = token
    carrier = await connect()

    await carrier.say(start)

    assert await carrier.close_code() == code
    assert not await database_sync_to_async(Call.objects.exists)()


async def test_a_key_may_be_sent_in_the_start_message(settings):
    settings.API_AUTH = "key"
    _, plain = await database_sync_to_async(create_key)(name="twilio", scopes=["ingest"])
    start = json.loads(json.dumps(TWILIO_START))
    start["start"]["customParameters"]["token"] = plain
    carrier = await connect()

    await carrier.say(start)
    await carrier.say({"event": "stop", "streamSid": SID})

    assert await carrier.close_code() == 1000
    assert (await call_of(CALL_ID)).agent == "ana"


async def test_a_signed_handshake_replaces_a_key(settings):
    settings.API_AUTH = "key"
    settings.TWILIO_AUTH_TOKEN = "secret"
    signature = sign("wss://calls.example.com/v1/media", "secret")
    headers = [(b"host", b"calls.example.com"), (b"x-twilio-signature", signature.encode())]
    carrier = await connect(headers=headers)

    await carrier.say(TWILIO_START)
    await carrier.say({"event": "stop", "streamSid": SID})

    assert await carrier.close_code() == 1000


@pytest.mark.parametrize(
    ("host", "secret"), [(b"calls.example.com", "other"), (b"elsewhere.example.com", "secret")]
)
async def test_a_signature_of_another_secret_or_address_is_refused(settings, host, secret):
    settings.API_AUTH = "key"
    settings.TWILIO_AUTH_TOKEN = "secret"
    signature = sign("wss://calls.example.com/v1/media", secret)
    carrier = await connect(headers=[(b"host", host), (b"x-twilio-signature", signature.encode())])

    await carrier.say(TWILIO_START)

    assert await carrier.close_code() in (4401, 4403)
    assert not await database_sync_to_async(Call.objects.exists)()


async def test_a_key_that_may_only_read_does_not_open_a_stream(settings):
    settings.API_AUTH = "key"
    _, plain = await database_sync_to_async(create_key)(name="reader", scopes=["read"])
    carrier = await connect(headers=[(b"authorization", f"Bearer {plain}".encode())])

    assert await carrier.close_code() == 4403
    assert not await database_sync_to_async(Call.objects.exists)()
