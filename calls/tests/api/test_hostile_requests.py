"""No request of any shape causes a 500, and below /v1 every error is JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls import services
from calls.api import downloads
from calls.api.ranges import ThreadedResponse
from calls.exports import table as csv_table
from calls.lifecycle import CallState
from calls.tests.factories import archived_call

pytestmark = pytest.mark.django_db
DATES = [
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01",
    "9999-12-31T24:00:00Z",
    "2026-03-29T02:30:00",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:00+99:99",
    "2026-01-01 00:00:00.1234567890123",
    "-0001-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
]
NUMBERS = [
    "-1", "0", "1e400", "-1e400", "NaN", "sNaN", "Infinity", "1e999999999", "0x10", "1_000", "٣",
    str(2**31), str(2**63 - 1), str(2**63), str(2**64), "9" * 19, "9" * 20, "9" * 5000, "1.5", "",
]  # fmt: skip
CURSORS = [
    "cD05OTk5OTk5OTk5OTk5OTk5OTk5",  # p=9999999999999999999
    "bz05OTk5OTk5OTk5OTk5OTk5OTk5JnA9MQ==",  # o=9999999999999999999&p=1
    "cj0xJnA9LTE=",
    "1.1",
    f"{2**63}.1",
    f"1.{2**63 - 1}",
    "=",
    "%%%",
]
WORDS = ["\0", "a\0b", "'", '"', "(", "NEAR(", "a" * 5000, "\u202e", "true", "open", "\ud800"]
VALUES = st.sampled_from([*DATES, *NUMBERS, *CURSORS, *WORDS]) | st.text(st.characters())
RANGES = ["bytes=0-", "bytes=-", "bytes=9-1", f"bytes={'9' * 18}-", f"bytes=-{'9' * 99}", "x"]
BODIES = st.sampled_from(
    [
        *(b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b'{"a":1,"a":2}', b"1e999", b"[" * 9000),
        *(b'"\\ud800"', b'{"text":"\\ud800"}', b'{"text":"\\u0000"}', b'{"tag":{}}', b"\0"),
        *(b'{"note":1}', b'{"swapped":"yes"}', b'{"name":"\\u0000"}', b'{"agent":["x"]}'),
    ]
) | st.binary(max_size=50)
TYPES = [
    "application/json",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/x-ndjson",
    "text/plain; charset=nonsense",
    "",
]
IN_PATH = ["hostile-1", "none", ".", "..", "%00", "%FF", "%F0%9F%98%80", "a%2Fb", "9" * 400, "1"]
MANY = settings(
    max_examples=400,
    deadline=None,
    # Nothing that these requests leave behind matters to the next one.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def operations() -> list[tuple[str, str, list[str]]]:
    """Return method, path and query parameters of every documented operation."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return [
        (method.upper(), path, [each["name"] for each in told.get("parameters", ())])
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
        if path != "/v1/events/stream"
    ]


OPERATIONS = operations()


@st.composite
def requests(draw: Any) -> dict[str, Any]:
    method, path, names = draw(st.sampled_from(OPERATIONS))
    for name in ("call_id", "alert_id", "note_id", "name"):
        path = path.replace(f"{{{name}}}", draw(st.sampled_from(IN_PATH)))
    chosen = draw(st.lists(st.sampled_from(names), max_size=4)) if names else []
    return {
        "method": method,
        "path": path,
        "query": [(name, draw(VALUES)) for name in chosen],
        "body": draw(BODIES) if method != "GET" else b"",
        "content_type": draw(st.sampled_from(TYPES)),
        "headers": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "Range": st.sampled_from(RANGES),
                    "Last-Event-ID": st.sampled_from(NUMBERS),
                    "Content-Encoding": st.just("gzip"),
                    "If-None-Match": st.sampled_from(['"', "*", "\\"]),
                },
            )
        ),
    }


def encoded(query: list[tuple[str, str]]) -> str:
    quoted = (
        (name, "".join(f"%{byte:02X}" for byte in value.encode("utf-8", "surrogatepass")))
        for name, value in query
    )
    return "&".join(f"{name}={value}" for name, value in quoted)


def assert_harmless(response: Any) -> None:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    assert response.status_code < 500
    assert downloads.INCOMPLETE.encode() not in content
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/json"
        json.loads(content)


@pytest.fixture
def open_api(settings: Any, db: None) -> Client:
    settings.API_AUTH = "open"
    archived_call("hostile-1")
    return Client(raise_request_exception=False)


@MANY
@given(request=requests())
def test_no_request_causes_a_500_and_every_error_is_json(open_api, request):
    path = f"{request['path']}?{encoded(request['query'])}"

    response = open_api.generic(
        request["method"],
        path,
        request["body"],
        content_type=request["content_type"],
        headers=request["headers"],
    )

    assert_harmless(response)


LISTS = ["/v1/call", "/v1/calls.csv", "/v1/search", "/v1/search.csv", "/v1/alerts",
         "/v1/alerts.csv"]  # fmt: skip
PAST_THE_END = [
    ("UTC", "9999-12-31T23:59:59-14:00"),
    ("UTC", "0001-01-01T00:00:00+14:00"),
    ("America/New_York", "9999-12-31T23:59:59"),
    ("Asia/Tokyo", "0001-01-01T00:00:00"),
]


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize(("zone", "value"), PAST_THE_END)
def test_a_time_outside_utc_is_refused_by_name_before_the_first_byte(
    open_api, settings, url, zone, value
):
    settings.TIME_ZONE = zone
    names = ["raised_after", "raised_before"] if "alerts" in url else ["opened_after"]

    for name in names:
        response = open_api.get(url, {name: value})

        assert response.status_code == 400
        assert list(response.json()) == [name]


@pytest.mark.parametrize("value", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_first_and_the_last_second_are_times(open_api, value):
    assert open_api.get("/v1/call", {"opened_before": value}).status_code == 200


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/v1/call", {"headers": {"Host": "evil.example"}}, 400),
        ("/v1/nothing", {}, 404),
        ("/v1/call?" + "&".join(f"a{n}=1" for n in range(2000)), {}, 400),
    ],
    ids=["unknown host", "unknown address", "too many parameters"],
)
def test_errors_from_before_any_view_are_json(open_api, path, options, status):
    response = open_api.get(path, **options)

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [("/supervisor/", "evil.example", 400), ("/supervisor/nothing", "localhost", 404)],
)
def test_an_error_on_a_page_is_a_page(open_api, path, host, status):
    response = open_api.get(path, headers={"Host": host})

    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_bug_is_a_500_in_json(open_api, monkeypatch, caplog):
    monkeypatch.setattr(services, "end_call", None)

    response = open_api.post("/v1/call/hostile-1/end")

    assert response.status_code == 500
    assert response.json() == {"detail": "The server failed. Its log has the details."}
    assert "Traceback" in caplog.text


def lines(count):
    """A table that breaks after so many parts."""
    yield from [b"header\r\n", b"first\r\n", b"second\r\n"][:count]
    raise RuntimeError("the connection is gone")


@pytest.mark.parametrize("count", [0, 1])
def test_a_table_that_cannot_be_begun_is_an_error(count):
    with pytest.raises(RuntimeError):
        downloads.csv(lines(count), "calls.csv")


@pytest.mark.parametrize("count", [2, 3])
def test_a_table_that_breaks_in_the_middle_ends_with_a_line_that_says_so(caplog, count):
    response = downloads.csv(lines(count), "calls.csv")

    rows = b"".join(response).decode().splitlines()

    assert isinstance(response, ThreadedResponse)
    assert rows[1] == "first"
    assert rows[-1] == downloads.INCOMPLETE
    assert "the connection is gone" in caplog.text


def test_a_table_is_read_in_blocks_while_it_is_sent(open_api, monkeypatch):
    monkeypatch.setattr(csv_table, "ROWS_AT_ONCE", 1)
    archived_call("hostile-2")

    response = open_api.get("/v1/calls.csv")

    assert len(list(response.streaming_content)) == 3


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://testserver", 409),
        ("https://pbx.example.com", 409),
        (None, 409),
    ],
)
def test_a_page_of_another_site_cannot_act_on_an_open_api(api, settings, call_in, origin, status):
    settings.CSRF_TRUSTED_ORIGINS = ["https://pbx.example.com"]
    call_in(CallState.ARCHIVED)
    headers = {"Origin": origin} if origin else {}

    # A browser sends such a request without asking the server first.
    acted = api.post("/v1/call/c-1/retry", b"", content_type="text/plain", headers=headers)
    read = api.get("/v1/call/c-1", headers=headers)

    assert acted.status_code == status
    assert read.status_code == 200
