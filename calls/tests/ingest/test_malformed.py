"""Malformed input gets a 4xx in JSON that names the fault, and nothing is stored."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from rest_framework.test import APIClient

from calls.keys import create_key, revoke_key
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, Packet, Stream

PACKET = "/v1/call/stream/c-1"
BATCH = f"{PACKET}/batch"
START = "/v1/call/c-1/start"
JSON, NDJSON = "application/json", "application/x-ndjson"
GOOD = {"sequence": 1, "data": "hello", "timestamp": 1.5}


class Case(NamedTuple):
    """One request, the status of its answer, and a word that the answer must contain."""

    name: str
    url: str
    body: bytes
    says: str
    status: int = 400
    method: str = "POST"
    content_type: str = JSON
    headers: dict[str, str] = {}


def doc(value: Any) -> bytes:
    return json.dumps(value).encode()


def with_field(name: str, value: Any) -> bytes:
    return doc({**GOOD, name: value})


def with_raw(name: str, raw: bytes) -> bytes:
    """A packet in which one field is written as no JSON encoder would."""
    return doc({**GOOD, name: "@"}).replace(b'"@"', raw)


def without(name: str) -> bytes:
    return doc({key: value for key, value in GOOD.items() if key != name})


def packet(name: str, body: bytes, says: str, **more: Any) -> Case:
    return Case(f"packet: {name}", PACKET, body, says, **more)


def batch(name: str, body: bytes, says: str, **more: Any) -> Case:
    return Case(f"batch: {name}", BATCH, body, says, **more)


def start(name: str, value: Any, says: str) -> Case:
    return Case(f"start: {name}", START, doc(value), says)


def bad_id(name: str, path: str, says: str = "call_id", status: int = 400) -> Case:
    return Case(f"call id: {name}", path, doc(GOOD), says, status)


def read(name: str, path: str, says: str, status: int = 400) -> Case:
    return Case(f"read: {name}", path, b"", says, status, "GET")


FIELDS = [
    packet("sequence is missing", without("sequence"), "sequence"),
    packet("data is missing", without("data"), "data"),
    packet("timestamp is missing", without("timestamp"), "timestamp"),
    packet("everything is missing", b"{}", "sequence"),
    packet("no body at all", b"", "sequence"),
    packet("sequence is null", with_field("sequence", None), "sequence"),
    packet("data is null", with_field("data", None), "data"),
    packet("timestamp is null", with_field("timestamp", None), "timestamp"),
    packet("sequence is a string", with_field("sequence", "1"), "not string"),
    packet("sequence is a boolean", with_field("sequence", True), "not boolean"),
    packet("sequence is 1.0", with_field("sequence", 1.0), "not number"),
    packet("sequence is 1e2", with_raw("sequence", b"1e2"), "not number"),
    packet("sequence is 1e400", with_raw("sequence", b"1e400"), "not number"),
    packet("sequence is an array", with_field("sequence", [1]), "not array"),
    packet("sequence is an object", with_field("sequence", {"n": 1}), "not object"),
    packet("sequence is negative", with_field("sequence", -1), "sequence"),
    packet("sequence is 2**53", with_field("sequence", 2**53), "9007199254740991"),
    packet("sequence is 2**64", with_field("sequence", 2**64), "sequence"),
    packet("sequence has 400 digits", with_raw("sequence", b"9" * 400), "sequence"),
    packet("sequence has 5,000 digits", with_raw("sequence", b"9" * 5_000), "digits"),
    packet("data is a number", with_field("data", 5), "not integer"),
    packet("data is an object", with_field("data", {}), "not object"),
    packet("data is a boolean", with_field("data", False), "not boolean"),
    packet("data has a NUL", with_field("data", "a\0b"), "data"),
    packet("data has a lone surrogate", with_raw("data", rb'"\ud800"'), "data"),
    packet("data has 65,537 bytes", with_field("data", "x" * 65_537), "65536 bytes"),
    packet("data has 65,538 bytes in 32,769 characters",
           with_field("data", "é" * 32_769), "65538 bytes"),
    packet("timestamp is a string", with_field("timestamp", "1.5"), "not string"),
    packet("timestamp is a boolean", with_field("timestamp", True), "not boolean"),
    packet("timestamp is 1e400", with_raw("timestamp", b"1e400"), "finite"),
    packet("timestamp is a huge integer", with_raw("timestamp", b"9" * 400), "finite"),
    packet("timestamp is NaN", with_raw("timestamp", b"NaN"), "NaN"),
    packet("timestamp is -Infinity", with_raw("timestamp", b"-Infinity"), "Infinity"),
    packet("stream is a number", with_field("stream", 1), "stream"),
    packet("stream is null", with_field("stream", None), "stream"),
    packet("stream has 129 characters", with_field("stream", "s" * 129), "128"),
    packet("stream has a NUL", with_field("stream", "\0"), "stream"),
    packet("stream has a lone surrogate", with_raw("stream", rb'"\udfff"'), "stream"),
    packet("track is an array", with_field("track", ["a"]), "track"),
    packet("track has 65 characters", with_field("track", "t" * 65), "64"),
    packet("media is unknown", with_field("media", "video/mp4"), "media"),
    packet("media is a number", with_field("media", 8000), "media"),
    packet("media is too long", with_field("media", "text/plain;" + "x" * 100), "100"),
    start("agent is a number", {"agent": 7}, "agent"),
    start("agent is too long", {"agent": "a" * 201}, "200"),
    start("agent has a NUL", {"agent": "\0"}, "agent"),
    start("direction is unknown", {"direction": "sideways"}, "direction"),
    start("direction is null", {"direction": None}, "direction"),
    start("direction is an array", {"direction": ["inbound"]}, "direction"),
    start("direction has a lone surrogate", {"direction": "\ud800"}, "direction"),
    start("media is unknown", {"media": "audio/x-nothing"}, "media"),
    start("an array", [{}], "dictionary"),
]  # fmt: skip
BODIES = [
    packet("truncated", doc(GOOD)[:-1], "not valid JSON"),
    packet("two documents", doc(GOOD) * 2, "not valid JSON"),
    packet("not UTF-8", b'{"data": "\xff"}', "not UTF-8"),
    packet("UTF-16", json.dumps(GOOD).encode("utf-16"), "not UTF-8"),
    packet("UTF-8 that encodes a surrogate", b'{"data": "\xed\xa0\x80"}', "not UTF-8"),
    packet("100,000 nested arrays", b"[" * 100_000 + b"]" * 100_000, "nested"),
    packet("100,000 nested objects", b'{"a":' * 100_000, "nested"),
    packet("an array", doc([GOOD]), "dictionary"),
    packet("a string", doc("hello"), "dictionary"),
    packet("a number", b"7", "dictionary"),
    packet("null", b"null", "No data"),
    packet("single quotes", b"{'sequence': 1}", "not valid JSON"),
    packet("an unescaped line feed", b'{"data": "a\nb"}', "not valid JSON"),
    packet("form data", b"sequence=1", "media type", status=415,
           content_type="application/x-www-form-urlencoded"),
    packet("plain text", doc(GOOD), "media type", status=415, content_type="text/plain"),
    packet("no content type", doc(GOOD), "media type", status=415, content_type=""),
    packet("a nonsense content type", doc(GOOD), "media type", status=415, content_type="/;;="),
    packet("NDJSON for a single packet", doc(GOOD), "media type", status=415, content_type=NDJSON),
    packet("gzip", doc(GOOD), "gzip", status=415, headers={"Content-Encoding": "gzip"}),
    batch("empty", b"[]", "empty"),
    batch("an object", doc(GOOD), "array"),
    batch("null", b"null", "array"),
    batch("1,001 packets", doc([GOOD] * 1_001), "1001 packets"),
    batch("one packet, which is bad", doc([without("data").decode()]), "rejected"),
    batch("only bad packets", doc([1, None, "x", [], {}]), '"index":4'),
    batch("one bad packet of two, atomic", doc([GOOD, {}]), '"index":1')._replace(
        url=f"{BATCH}?atomic=true"),
    batch("atomic is neither true nor false", doc([GOOD]), "atomic")._replace(
        url=f"{BATCH}?atomic=perhaps"),
    batch("NDJSON with a broken line", doc(GOOD) + b"\n\n{\n", "Line 3", content_type=NDJSON),
    batch("NDJSON with 1,001 lines", (doc(GOOD) + b"\n") * 1_001, "1000", content_type=NDJSON),
    batch("NDJSON without a line", b"\n\n", "empty", content_type=NDJSON),
    batch("NDJSON with a deep line", b"[" * 100_000, "nested", content_type=NDJSON),
    batch("NDJSON that is not UTF-8", b"\xfe\n", "not UTF-8", content_type=NDJSON),
    batch("gzip", doc([GOOD]), "gzip", status=415, headers={"Content-Encoding": "gzip"}),
]  # fmt: skip
ROUTES = [
    bad_id("a placeholder", "/v1/call/stream/undefined"),
    bad_id("two dots", "/v1/call/stream/.."),
    bad_id("two dots in start", "/v1/call/../start"),
    bad_id("not base64", "/v1/call/stream/b64:%25"),
    bad_id("base64 of what is not UTF-8", "/v1/call/stream/b64:_w"),
    bad_id("bad in end", "/v1/call/null/end"),
    bad_id("bad in retry", "/v1/call/null/retry"),
    bad_id("the reserved word", "/v1/call/stream/stream", "reserved"),
    bad_id("the reserved word in a batch", "/v1/call/stream/stream/batch", "reserved"),
    bad_id("a slash", "/v1/call/stream/a%2Fb", "nothing", 404),
    bad_id("empty", "/v1/call/stream/", "nothing", 404),
    bad_id("unknown in end", "/v1/call/nobody/end", "nobody", 404),
    bad_id("unknown in retry", "/v1/call/nobody/retry", "nobody", 404),
    bad_id("unknown in reanalyse", "/v1/call/nobody/reanalyse", "nobody", 404),
    Case("route: trailing slash", f"{PACKET}/", doc(GOOD), "nothing", 404),
    Case("route: trailing slash of a batch", f"{BATCH}/", doc([GOOD]), "nothing", 404),
    Case("route: unknown", "/v1/nothing/here", doc(GOOD), "nothing", 404),
    Case("route: only the version", "/v1", doc(GOOD), "nothing", 404),
    Case("route: unknown below a call", "/v1/call/c-1/explode", doc(GOOD), "nothing", 404),
    Case("method: GET a packet", PACKET, b"", "GET", 405, "GET"),
    Case("method: PUT a packet", PACKET, doc(GOOD), "PUT", 405, "PUT"),
    Case("method: PUT a call", "/v1/call/c-1", b"", "PUT", 405, "PUT"),
    Case("method: GET an end", "/v1/call/c-1/end", b"", "GET", 405, "GET"),
    Case("method: POST the list", "/v1/call", doc({}), "POST", 405),
    Case("method: POST the log", "/v1/events", doc({}), "POST", 405),
    Case("method: nonsense", PACKET, doc(GOOD), "BREW", 405, "BREW"),
    read("unknown call", "/v1/call/nobody", "nobody", 404),
    read("packets of an unknown call", "/v1/call/nobody/packets", "nobody", 404),
    read("events of an unknown call", "/v1/call/nobody/events", "nobody", 404),
    read("transcript of an unknown call", "/v1/call/nobody/transcript", "nobody", 404),
    read("recording of an unknown call", "/v1/call/nobody/recording", "nobody", 404),
    read("reserved call", "/v1/call/stream", "reserved"),
    read("unknown state", "/v1/call?state=DANCING", "state"),
    read("unknown direction", "/v1/call?direction=up", "direction"),
    read("NUL in a filter", "/v1/call?queue=%00", "queue"),
    read("opened_after is no time", "/v1/call?opened_after=yesterday", "opened_after"),
    read("limit of calls is a word", "/v1/call?limit=many", "limit"),
    read("limit of calls is 0", "/v1/call?limit=0", "limit"),
    read("limit of calls is 201", "/v1/call?limit=201", "200"),
    read("cursor is nonsense", "/v1/call?cursor=%00", "cursor"),
    read("cursor points nowhere", "/v1/call?cursor=cD1hYmM%3D", "cursor"),  # p=abc
    read("after of events is a word", "/v1/events?after=x", "after"),
    read("after of events is negative", "/v1/events?after=-1", "after"),
    read("after of events is 2**63", f"/v1/events?after={2**63}", "after"),
    read("after of events has foreign digits", "/v1/events?after=%D9%A1", "after"),
    read("limit of events is 0", "/v1/events?limit=0", "limit"),
    read("limit of events is 1,001", "/v1/events?limit=1001", "1000"),
    read("unknown format", "/v1/events?format=xml", "found", 404),
]  # fmt: skip
OF_A_CALL = [
    read("limit of packets", "/v1/call/there/packets?limit=x", "limit"),
    read("after of packets is a number", "/v1/call/there/packets?after=1", "after"),
    read("after of packets has words", "/v1/call/there/packets?after=a.b", "after"),
    read("after of packets is huge", f"/v1/call/there/packets?after={2**70}.1", "after"),
    read("after of packets ends hugely", f"/v1/call/there/packets?after=1.{2**70}", "after"),
    read("after of events of a call", "/v1/call/there/events?after=x", "after"),
    read("no transcript yet", "/v1/call/there/transcript", "transcript", 404),
    read("no recording yet", "/v1/call/there/recording", "audio", 404),
    read("redacted is neither", "/v1/call/there/transcript?redacted=2", "redacted"),
]


def send(client: APIClient, case: Case) -> Any:
    return client.generic(
        case.method, case.url, case.body, content_type=case.content_type, headers=case.headers
    )


def stored() -> dict[str, int]:
    return {
        model.__name__: model._default_manager.count()
        for model in (Call, Stream, Packet, CallEvent)
    }


def assert_refused(response: Any, case: Case) -> None:
    text = response.content.decode()
    assert response.status_code == case.status, text
    assert response.headers["Content-Type"].startswith("application/json")
    assert json.loads(text)
    assert case.says in text


@pytest.mark.django_db
@pytest.mark.parametrize("case", FIELDS + BODIES + ROUTES, ids=lambda case: case.name)
def test_a_malformed_request_says_what_is_wrong_and_stores_nothing(api, case):
    response = send(api, case)

    assert_refused(response, case)
    assert not any(stored().values())


@pytest.mark.parametrize("case", OF_A_CALL, ids=lambda case: case.name)
def test_an_invalid_query_about_a_call_says_what_is_wrong(api, call_in, case):
    call_in(CallState.IN_PROGRESS, "there")

    response = send(api, case)

    assert_refused(response, case)


KEYS = [
    ("no key", 401, "Bearer", {}),
    ("an unknown key", 401, "not valid", {"Authorization": "Bearer cc_0_nothing"}),
    ("a revoked key", 401, "revoked", {"Authorization": "Bearer {revoked}"}),
    ("a key in the wrong scheme", 401, "Bearer", {"Authorization": "Token {ingest}"}),
    ("a key that is not ASCII", 401, "not valid", {"X-API-Key": "é"}),
    ("a key without the scope", 403, "'ingest'", {"X-API-Key": "{read}"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize("url", [PACKET, BATCH, START, "/v1/call/c-1/end"])
@pytest.mark.parametrize(("name", "status", "says", "headers"), KEYS, ids=[key[0] for key in KEYS])
def test_a_forbidden_client_is_told_why_and_stores_nothing(
    settings, url, name, status, says, headers
):
    settings.API_AUTH = "key"
    revoked, plain = create_key(name="gone", scopes=["ingest"])
    revoke_key(revoked)
    keys = {scope: create_key(name=scope, scopes=[scope])[1] for scope in ("ingest", "read")}
    shown = {header: text.format(revoked=plain, **keys) for header, text in headers.items()}

    response = send(APIClient(), Case(name, url, doc(GOOD), says, status, headers=shown))

    assert_refused(response, Case(name, url, b"", says, status))
    assert not any(stored().values())
    assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sequence", 0),
        ("sequence", 2**53 - 1),
        ("data", ""),
        ("data", "x" * 65_536),
        ("data", "é" * 32_768),
        ("data", "😀" * 16_384),
        ("data", " \ttrailing \n"),
        ("timestamp", -1),
        ("timestamp", 1e308),
        ("stream", "s" * 128),
        ("track", "t" * 64),
        ("unknown", {"is": "ignored"}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_values_just_within_the_limits_are_stored_unchanged(api, field, value):
    response = send(api, packet("good", with_field(field, value), ""))

    assert response.status_code == 202, response.content
    if field in ("sequence", "data", "timestamp", "track"):
        assert getattr(Packet.objects.get(), field) == value


@pytest.mark.django_db
def test_an_object_with_a_byte_order_mark_is_accepted(api):
    response = send(api, packet("marked", b"\xef\xbb\xbf" + doc(GOOD), ""))

    assert response.status_code == 202
