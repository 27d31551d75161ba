"""The documentation: complete, valid, and served without the internet."""

from __future__ import annotations

import re
from io import StringIO

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from calls.api.serializers.calls import DescriptionSerializer
from calls.api.serializers.packets import PacketSerializer


@pytest.fixture(scope="module")
def schema() -> dict:
    """The schema as the command writes it, which fails at the first warning or error."""
    out = StringIO()
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)
    return yaml.safe_load(out.getvalue())


def operations(schema: dict) -> dict[str, dict]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_below_v1_is_documented(schema):
    routed = [key for key in get_resolver().reverse_dict if isinstance(key, str)]

    documented = {path.rpartition("/")[2] for path in schema["paths"]}

    assert "packet" in routed
    assert documented == {
        "analysis", "batch", "call", "calls.csv", "decode", "dismiss", "end", "events", "packets",
        "reanalyse", "recording", "retry", "start", "transcript", "{call_id}",
        "tags", "{name}", "notes", "{note_id}", "speakers",
        "acknowledge", "assign", "snooze", "reopen", "alerts", "alerts.csv", "{alert_id}",
        "stream", "search", "search.csv",
        "agents", "agents.csv", "queues", "queues.csv", "days", "days.csv",
    }  # fmt: skip


def test_every_operation_says_what_it_does_and_how_it_refuses(schema):
    for name, operation in operations(schema).items():
        assert operation["summary"], name
        assert {"401", "403", "405", "503"} <= set(operation["responses"]), name


def test_examples_of_requests_are_requests_that_the_api_takes(schema):
    packets = operations(schema)["POST /v1/call/stream/{call_id}"]["requestBody"]["content"]
    starts = operations(schema)["POST /v1/call/{call_id}/start"]["requestBody"]["content"]

    checked = [
        serializer(data=example["value"]).is_valid(raise_exception=True)
        for serializer, content in ((PacketSerializer, packets), (DescriptionSerializer, starts))
        for example in content["application/json"]["examples"].values()
    ]

    assert len(checked) == 3


def test_the_schema_is_served(client: Client):
    response = client.get("/schema")

    assert response.status_code == 200
    assert yaml.safe_load(response.content)["openapi"].startswith("3.")


def test_the_docs_and_what_they_load_come_from_the_project(client: Client):
    page = client.get("/docs")
    links = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page.content.decode())

    assert page.status_code == 200
    assert len(links) >= 4
    for link in links:
        assert link.startswith("/")
        own = link.startswith("/docs?")
        assert own or finders.find(link.removeprefix("/static/")), link


def test_the_docs_obey_their_own_content_security_policy(client: Client):
    page = client.get("/docs")
    script = client.get("/docs?script=")

    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script>|style=|\son\w+=", page.content.decode())
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle" in script.content.decode()
