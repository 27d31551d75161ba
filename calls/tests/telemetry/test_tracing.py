"""Traces as a collector receives them: one for each call, without personal data."""

import asyncio
import json
import logging
import subprocess
import sys

import httpx
import pytest

from callcenter.log_format import JsonLines
from calls.analysis.providers import ProviderError
from calls.analysis.runner import Runner
from calls.ingest.express import ExpressLane
from calls.ingest.record import record_packets
from calls.ingest.requests import StoreRequest, in_hand
from calls.models import Call, WebhookEndpoint
from calls.monitoring.log_context import logging_with
from calls.services import end_call
from calls.telemetry import tracing
from calls.telemetry.serving import Observed
from calls.telemetry.tracing import span
from calls.tests.factories import FakeProvider, ended_call, packet
from calls.tests.fake_server import FakeServer, Reply
from calls.tests.telemetry.otlp import Collector
from calls.webhooks.courier import Courier
from calls.webhooks.services import WebhookOutbox

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


@pytest.fixture
def collector(settings):
    with Collector() as running:
        settings.OTEL_EXPORTER_OTLP_ENDPOINT = running.url
        tracing.start("web")
        yield running
        tracing.stop()


async def request(path, *, traceparent=SENT, method="POST", app=None, **options):
    app = httpx.ASGITransport(Observed(app or ExpressLane(None)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=app, base_url="http://localhost") as client:
        headers = {"traceparent": traceparent} if traceparent else {}
        return await client.request(method, path, headers=headers, **options)


def send_packet(call_id="call-1", **options):
    sent = {"sequence": 1, "timestamp": 1.0, "data": "My number is 020 7946 0018."}
    return asyncio.run(request(f"/v1/call/stream/{call_id}", json=sent, **options))


def analyse(*errors):
    asyncio.run(Runner(FakeProvider(errors), linger_s=0).run())


@pytest.mark.django_db(transaction=True)
def test_one_trace_shows_a_call_from_its_first_packet_to_the_archive_and_its_webhook(
    collector, settings
):
    settings.WEBHOOK_ALLOW_PRIVATE = "loopback"
    with FakeServer() as receiver:
        receiver.misbehave = lambda _: Reply(204)
        WebhookEndpoint.objects.create(
            name="crm", url=f"{receiver.url}/h", results=True, alerts=False
        )
        send_packet()
        with logging_with(traceparent=f"00-{'1' * 32}-{'2' * 16}-01"):
            end_call(call_id="call-1")
        analyse()
        asyncio.run(Courier(WebhookOutbox(), lambda: bool(receiver.seen)).run())
    tracing.stop()

    spans = {each.name: each for each in collector.spans}
    assert set(spans) == {
        "POST /v1/call/stream/<str:call_id>", "store packets", "end call", "analyse call",
        "stage attempt", "provider request", "deliver webhooks",
    }  # fmt: skip
    assert {each.trace for each in collector.spans} == {TRACE}
    ingest = spans["POST /v1/call/stream/<str:call_id>"]
    assert ingest.parent == "b7ad6b7169203331"
    assert ingest.attributes["http.response.status_code"] == 202
    followers = ("store packets", "end call", "analyse call", "deliver webhooks")
    assert {spans[name].parent for name in followers} == {ingest.id}
    assert spans["end call"].links == ["1" * 32]
    assert spans["provider request"].parent in {s.id for s in collector.named("stage attempt")}
    stages = [s.attributes["callcenter.stage"] for s in collector.named("stage attempt")]
    assert stages == ["transcribe", "understand"]


@pytest.mark.django_db(transaction=True)
def test_a_failed_attempt_is_an_error_with_its_code_and_without_its_text(collector):
    ended_call()

    analyse(ProviderError("020 7946 0018 is unknown", code="refused", transient=False))
    tracing.stop()

    failed = [each for each in collector.spans if each.is_error]
    assert [each.name for each in failed] == ["provider request", "stage attempt"]
    assert {each.attributes["error.type"] for each in failed} == {"refused"}


@pytest.mark.django_db(transaction=True)
def test_no_span_holds_what_was_said_or_a_path(collector):
    ended_call()
    send_packet()
    asyncio.run(request("/nowhere/+44 20 7946 0018?q=secret", method="GET", app=missing))
    analyse()
    tracing.stop()

    told = json.dumps([each.attributes for each in collector.spans]) + str(collector.spans)
    for secret in ("7946", "secret", "technician", "nowhere"):
        assert secret not in told
    assert collector.named("GET")


async def missing(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.django_db(transaction=True)
def test_a_transaction_of_many_requests_is_linked_to_all_of_them(collector):
    traces = [f"{number:032x}" for number in (1, 2, 3)]
    requests = []
    for trace in traces:
        with logging_with(traceparent=f"00-{trace}-{'2' * 16}-01"):
            requests.append(StoreRequest([packet(f"call-{trace[-1]}", 1)], None, 0.0))

    with in_hand(requests):
        record_packets([one for each in requests for one in each.packets])
    tracing.stop()

    (stored,) = collector.named("store packets")
    assert (stored.trace, stored.links) == (traces[0], traces[1:])
    assert stored.attributes == {"callcenter.packets": 3, "callcenter.requests": 3}
    kept = Call.objects.order_by("call_id").values_list("traceparent", flat=True)
    assert [each.split("-")[1] for each in kept] == traces


@pytest.mark.django_db(transaction=True)
def test_unsampled_requests_of_the_sender_are_not_traced(collector):
    send_packet(traceparent=UNSAMPLED)
    end_call(call_id="call-1")
    analyse()
    tracing.stop()

    assert collector.spans == []


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-0-0-00", "é"])
def test_a_request_that_names_no_trace_begins_one(collector, traceparent):
    asyncio.run(request("/", traceparent=traceparent.encode(), method="GET", app=missing))
    tracing.stop()

    (found,) = collector.spans
    assert found.parent == ""
    assert len(found.trace) == 32


def test_a_failing_request_is_an_error(collector):
    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    asyncio.run(request("/", method="GET", app=broken))
    tracing.stop()

    assert [(each.is_error, each.attributes["error.type"]) for each in collector.spans] == [
        (True, "500")
    ]


def test_probes_are_not_traced(collector):
    for path in ("/healthz", "/readyz", "/metrics"):
        asyncio.run(request(path, method="GET", app=missing))
    tracing.stop()

    assert collector.spans == []


def test_what_a_carrier_sends_continues_the_trace_of_its_handshake(collector):
    seen = []

    async def app(scope, receive, send):
        seen.append(tracing.present())

    headers = [(b"traceparent", SENT.encode())]
    scope = {"type": "websocket", "path": "/v1/media", "headers": headers}
    asyncio.run(Observed(app)(scope, None, None))
    tracing.stop()

    (handshake,) = collector.named("WebSocket carrier")
    assert seen == [f"00-{TRACE}-{handshake.id}-01"]


def test_spans_name_the_service_and_its_process(collector, settings):
    with span("one"):
        pass
    tracing.stop()

    (found,) = collector.spans
    assert found.resource["service.name"] == "callcenter"
    assert found.resource["callcenter.role"] == "web"
    assert found.resource["service.instance.id"]


def test_lines_of_the_log_name_their_trace():
    record = logging.LogRecord("calls", logging.INFO, __file__, 1, "hello", (), None)

    with logging_with(traceparent=SENT):
        line = json.loads(JsonLines().format(record))

    assert line["trace_id"] == TRACE
    assert "traceparent" not in line


def test_an_unreachable_collector_stops_nothing(settings, monkeypatch):
    monkeypatch.setattr(tracing, "FLUSH_MS", 50)
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:9"
    tracing.start("web")

    with span("one") as traced:
        traced.set(status=200)
    tracing.stop()

    assert not tracing.is_on()


def test_nothing_is_imported_while_traces_are_off():
    code = (
        "import os, sys, django;"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'callcenter.local_settings';"
        "django.setup(); import calls.telemetry.serving;"
        "from calls.telemetry.tracing import span;"
        "[s.set(a=1) for s in [span('x', a=1).__enter__()]];"
        "sys.exit('opentelemetry' in sys.modules)"
    )

    ended = subprocess.run([sys.executable, "-c", code], check=False)

    assert ended.returncode == 0
