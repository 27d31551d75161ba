"""API errors are JSON: a code for programs and an explanation for people."""

from __future__ import annotations

import pytest
from django.db import DataError, InterfaceError, OperationalError

from calls import services
from calls.api.views import calls, events, packets
from calls.ingest.requests import Unavailable

pytestmark = pytest.mark.django_db
URLS = ["/v1/call/c-1", "/v1/call/c-1/packets", "/v1/call/c-1/events", "/v1/call/c-1/transcript"]


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OperationalError("gone"), "not available"),
        (InterfaceError("closed"), "not available"),
        (Unavailable("Too much."), "Too much. Nothing was stored. Send the request again."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_temporary_error_is_a_503_with_the_time_to_wait(api, monkeypatch, error, says):
    monkeypatch.setattr(services, "end_call", failing(error))

    response = api.post("/v1/call/c-1/end")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert says in response.json()["detail"]
    assert "gone" not in response.json()["detail"]


def test_a_bug_is_a_500_with_a_traceback_in_the_log(api, monkeypatch, caplog):
    api.raise_request_exception = False
    monkeypatch.setattr(services, "end_call", failing(DataError("ours")))

    response = api.post("/v1/call/c-1/end")

    assert response.status_code == 500
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("url", URLS)
def test_an_unknown_call_is_named_on_every_route(api, url):
    response = api.get(url)

    assert response.status_code == 404
    assert response.json() == {"detail": "There is no call c-1."}


@pytest.mark.parametrize("url", ["/v1/nothing", "/v1/call/", "/v1", "/v1/call/c-1/packets/9"])
def test_an_address_that_nothing_serves_is_json_and_points_to_the_documentation(api, url):
    response = api.get(url)

    assert response.status_code == 404
    assert response.json() == {
        "detail": f"There is nothing at {url}. The API is described at /docs."
    }


def test_an_address_outside_the_api_is_a_page(client):
    response = client.get("/v1x")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_hostile_words_in_an_address_stay_in_json(api):
    response = api.get("/v1/%3Cscript%3E%22")

    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["detail"].startswith('There is nothing at /v1/<script>".')


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("/v1/call/stream/c-1", {"POST", "OPTIONS"}),
        ("/v1/call/c-1", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("/v1/events", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_returns_the_allowed_ones(api, url, allowed):
    response = api.generic("PATCH", url)

    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == allowed


def test_a_wrong_method_is_refused_with_any_key(api_with_key):
    response = api_with_key("ingest").get("/v1/call/stream/c-1")

    assert response.status_code == 405


@pytest.mark.parametrize("url", ["/v1/call/stream/c-1", "/v1/call", "/v1/events"])
def test_an_unknown_client_is_not_told_about_methods(api_with_key, client, url):
    api_with_key("read")

    response = client.generic("PATCH", url)

    assert response.status_code == 401
    assert "Authorization: Bearer KEY" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/v1/call", 200),
        ("GET", "/v1/call?state=x", 400),
        ("GET", "/v1/call/c-1", 404),
        ("GET", "/v1/call/c-1/packets", 404),
        ("GET", "/v1/events", 200),
        ("GET", "/v1/events?limit=x", 400),
        ("GET", "/v1/call/stream/c-1", 405),
        ("POST", "/v1/call/stream/c-1", 400),
        ("POST", "/v1/call/stream/c-1/batch", 400),
        ("POST", "/v1/call/c-1/start", 200),
        ("POST", "/v1/call/c-1/end", 404),
        ("POST", "/v1/call/c-1/retry", 404),
    ],
)
def test_a_browser_gets_the_same_response_as_a_page(api, method, url, status):
    response = api.generic(method, url, headers={"Accept": "text/html"})

    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")


def test_every_view_checks_permissions():
    routes = [packets.PacketViewSet, calls.CallViewSet, packets.StoredPacketViewSet,
              events.EventViewSet]  # fmt: skip

    asked = {tuple(kind.__name__ for kind in route.permission_classes) for route in routes}

    assert asked == {("MayCall",)}


@pytest.mark.parametrize("address", ["/v1/call?opened_after=", "/v1/alerts?raised_before="])
def test_a_time_may_be_given_in_any_offset_from_utc(api, address):
    answer = api.get(f"{address}2026-01-31T12:00:00%2B23:59")

    assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize("value", ["2", "-1104", "yes", "None"])
def test_a_filter_that_is_neither_true_nor_false_is_named(api, value):
    answer = api.get(f"/v1/call?dismissed={value}")

    assert (answer.status_code, answer.json()) == (400, {"dismissed": ["Must be true or false."]})
