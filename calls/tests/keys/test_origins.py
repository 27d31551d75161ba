"""Origin through the whole application: it protects what a browser shows, and no key."""

from __future__ import annotations

import base64

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from callcenter.asgi import application
from calls.ingest.carriers.signature import sign
from calls.keys import create_key
from calls.tests.ingest.carriers.carrier_calls import TWILIO_START, call_of

pytestmark = pytest.mark.django_db(transaction=True)
NATIVE, CARRIER, FEED = "/v1/call/stream/o-1", "/v1/media", "/stream/ws/supervisor"
ORIGINS = [b"file://", b"null", b"http://localhost/", b"https://pbx.example.com"]


async def socket(path: str, origin: bytes, **headers: bytes) -> WebsocketCommunicator:
    named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    sent = [(b"host", b"calls.example.com"), (b"origin", origin), *named]
    return WebsocketCommunicator(application, path, sent)


@pytest.fixture(autouse=True)
def _hosts(settings):
    settings.ALLOWED_HOSTS = ["calls.example.com"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.Example.net"]


async def new_key() -> bytes:
    _, plain = await database_sync_to_async(create_key)(name="pbx", scopes=["ingest", "read"])
    return plain.encode()


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("path", [NATIVE, FEED])
@pytest.mark.parametrize("header", ["authorization", "x_api_key"])
async def test_a_program_with_a_key_may_send_any_origin(settings, path, origin, header):
    settings.API_AUTH = "key"
    key = await new_key()

    client = await socket(
        path, origin, **{header: b"Bearer " + key if header == "authorization" else key}
    )
    is_open, _ = await client.connect(timeout=10)

    assert is_open
    assert (await client.receive_json_from(timeout=10))["type"] in ("ready", "hello")
    await client.disconnect()


@pytest.mark.parametrize("shown", ["bearer", "basic", "signature", "start"])
async def test_a_carrier_may_send_any_origin(settings, shown):
    settings.API_AUTH = "key"
    settings.TWILIO_AUTH_TOKEN = "secret"
    key = await new_key()
    headers = {
        "bearer": {"authorization": b"Bearer " + key},
        "basic": {"authorization": b"Basic " + base64.b64encode(b"pbx:" + key)},
        "signature": {
            "x_twilio_signature": sign("wss://calls.example.com/v1/media", "secret").encode()
        },
        "start": {},
    }[shown]
    parameters = {"token": key.decode()} if shown == "start" else {}
    start = {**TWILIO_START["start"], "customParameters": parameters, "callSid": f"o-{shown}"}

    client = await socket(CARRIER, b"file://", **headers)
    assert (await client.connect(timeout=10))[0]
    await client.send_json_to({**TWILIO_START, "start": start})
    await client.send_json_to({"event": "stop"})
    closed = await client.receive_output(timeout=10)

    assert closed["code"] == 1000
    assert (await call_of(f"o-{shown}")).call_id == f"o-{shown}"


@pytest.mark.parametrize(
    ("origin", "is_open"),
    [
        (b"https://pbx.example.com", False),
        (b"file://", False),
        (b"https://calls.example.net", True),
        (b"https://Calls.EXAMPLE.net", True),
    ],
)
async def test_with_an_open_api_a_socket_trusts_the_origins_that_forms_trust(
    settings, origin, is_open
):
    settings.API_AUTH = "open"

    client = await socket(NATIVE, origin)

    assert (await client.connect(timeout=10))[0] is is_open
    await client.disconnect()
