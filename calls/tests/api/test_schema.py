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
        "fields", "tags", "{name}", "notes", "{note_id}", "speakers", "hold", "erasures",
        "{erasure_id}",
        "acknowledge", "assign", "snooze", "reopen", "alerts", "alerts.csv", "{alert_id}",
        "stream", "search", "search.csv",
        "bulk", "{number}", "stop", "rules", "try", "webhooks", "test", "deliveries",
        "notification-targets", "keys", "rotate", "revoke",
        "agents", "agents.csv", "queues", "queues.csv", "days", "days.csv",
    }  # fmt: skip


def test_every_operation_says_what_it_does_and_how_it_refuses(schema):
    for name, operation in operations(schema).items():
        assert operation["summary"], name
        assert {"401", "403", "405", "503"} <= set(operation["responses"]), name


def test_every_operation_names_the_scope_that_it_needs(schema):
    for name, operation in operations(schema).items():
        assert f"Needs the scope `{operation['x-scope']}`." in operation["description"], name


def test_the_api_accepts_the_example_requests(schema):
    packets = operations(schema)["POST /v1/call/stream/{call_id}"]["requestBody"]["content"]
    starts = operations(schema)["POST /v1/call/{call_id}/start"]["requestBody"]["content"]

    checked = [
        serializer(data=example["value"]).is_valid(raise_exception=True)
        for serializer, content in ((PacketSerializer, packets), (DescriptionSerializer, starts))
        for example in content["application/json"]["examples"].values()
    ]

    assert len(checked) == 3


def test_the_documentation_begins_with_what_a_newcomer_needs(schema):
    names = [operation["operationId"] for operation in operations(schema).values()]
    used = list(dict.fromkeys(each["tags"][0] for each in operations(schema).values()))

    assert names[:4] == ["start_call", "send_packet", "send_batch", "set_call_fields"]
    assert names[4:6] == ["end_call", "get_transcript"]
    assert set(used) == {each["name"] for each in schema["tags"]}
    assert all(each["description"].endswith(".") for each in schema["tags"])
    assert (used[0], used[-1]) == ("ingest", "administration")


@pytest.mark.django_db
def test_without_a_key_every_route_returns_401(schema, settings):
    settings.API_AUTH = "key"
    client = Client()

    answers = {
        name: client.generic(method, re.sub(r"{\w+}", "1", path)).status_code
        for name in operations(schema)
        for method, path in [name.split(" ")]
    }

    assert {name for name, status in answers.items() if status != 401} == set()


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
