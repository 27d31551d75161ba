"""Every log line about a call has the id of the request that opened it, in any process."""

import asyncio
import json
import logging

import httpx
import pytest
from django.utils import timezone

from callcenter.log_format import JsonLines
from calls.alerts.matches import AlertMatch
from calls.alerts.services import raise_alerts
from calls.analysis.runner import Runner
from calls.ingest import buffer
from calls.ingest.express import ExpressLane
from calls.ingest.record import record_packets
from calls.ingest.requests import StoreRequest, in_hand
from calls.models import AlertRule, Call, NotificationTarget, WebhookEndpoint
from calls.monitoring.log_context import logging_with
from calls.notifications.services import NotificationOutbox
from calls.services import end_call, start_call
from calls.telemetry.serving import Observed
from calls.tests.factories import FakeProvider, ended_call, packet, refusal
from calls.tests.fake_server import FakeServer, Reply
from calls.webhooks.courier import Courier
from calls.webhooks.services import WebhookOutbox

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"call_id": "call-1", "request_id": "pbx-7"}


@pytest.fixture
def lines():
    """Lines of the log as an aggregator reads them."""
    written = []

    class Lines(logging.Handler):
        def emit(self, record):
            written.append(json.loads(self.format(record)))

    handler, log = Lines(), logging.getLogger("calls")
    handler.setFormatter(JsonLines())
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield written
    log.removeHandler(handler)
    log.setLevel(level)


@pytest.fixture
def receiver():
    with FakeServer() as running:
        running.misbehave = lambda _: Reply(500)
        yield running


def ids(lines, logger):
    return [{name: line.get(name) for name in GIVEN} for line in lines if line["logger"] == logger]


def open_by_request(call_id="call-1", request_id="pbx-7"):
    with logging_with(request_id=request_id):
        return ended_call(call_id)


async def send_packet(*, request_id):
    app = httpx.ASGITransport(Observed(ExpressLane(None)))
    async with httpx.AsyncClient(transport=app, base_url="http://localhost") as client:
        sent = {"sequence": 1, "timestamp": 1.0, "data": "Hello."}
        headers = {"X-Request-ID": request_id}
        return await client.post("/v1/call/stream/call-1", json=sent, headers=headers)


@pytest.mark.parametrize("is_grouped", [False, True])
def test_a_call_keeps_the_id_of_the_request_that_opened_it(settings, monkeypatch, is_grouped):
    settings.GROUP_COMMIT = is_grouped
    # An earlier test may have closed the buffer.
    monkeypatch.setattr(buffer._Process, "buffer", None)

    answers = [asyncio.run(send_packet(request_id=f"pbx-{n}")) for n in (7, 8)]
    if is_grouped:
        buffer.buffer().close()

    assert [answer.status_code for answer in answers] == [202, 202]
    assert Call.objects.get().request_id == "pbx-7"


def test_each_call_of_a_transaction_has_the_id_of_its_own_request():
    requests = []
    for number in (1, 2):
        with logging_with(request_id=f"pbx-{number}"):
            requests.append(StoreRequest([packet(f"call-{number}", 1)], None, 0.0))

    with in_hand(requests):
        record_packets([packet for request in requests for packet in request.packets])

    found = Call.objects.order_by("call_id").values_list("call_id", "request_id")
    assert list(found) == [("call-1", "pbx-1"), ("call-2", "pbx-2")]


def test_an_announced_call_keeps_the_id_of_the_request_that_opened_it():
    for number in (7, 8):
        with logging_with(request_id=f"pbx-{number}"):
            start_call(call_id="call-1", agent="Ana", queue=f"queue {number}")
    with logging_with(request_id="pbx-9"):
        end_call(call_id="call-1")

    assert Call.objects.get().request_id == "pbx-7"


def test_the_lines_of_an_analysis_name_call_and_request(lines, settings):
    settings.AI_RETRY_BASE = 0
    for number in (1, 2):
        open_by_request(f"call-{number}", f"pbx-{number}")
    lines.clear()

    asyncio.run(Runner(FakeProvider([refusal(), refusal()]), linger_s=0).run())

    analysed = ids(lines, "calls.analysis.runner")
    assert len(analysed) == 2
    assert all(one["request_id"] == one["call_id"].replace("call", "pbx") for one in analysed)


def test_the_archiving_of_a_call_is_logged(lines):
    open_by_request()
    lines.clear()

    asyncio.run(Runner(FakeProvider(), linger_s=0).run())

    assert [line["message"] for line in lines] == ["call call-1 archived"]
    assert ids(lines, "calls.analysis.runner") == [GIVEN]


def test_a_webhook_that_fails_is_logged_with_call_and_request(lines, receiver, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = "loopback"
    WebhookEndpoint.objects.create(name="crm", url=f"{receiver.url}/hook", state_changes=True)
    with logging_with(request_id="pbx-7"):
        start_call(call_id="call-1")

    asyncio.run(Courier(WebhookOutbox(), lambda: bool(receiver.seen)).run())

    assert ids(lines, "calls.webhooks.courier") == [GIVEN]
    assert "The receiver returned 500." in lines[-1]["message"]


def test_a_notification_that_fails_is_logged_with_call_and_request(lines, receiver, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = "loopback"
    NotificationTarget.objects.create(
        name="chat", kind="webhook", address=f"{receiver.url}/hook", min_severity=1
    )
    call = open_by_request()
    rule = AlertRule.objects.create(name="Leaving", kind="words", phrases="cancel")
    raise_alerts([AlertMatch(rule, call.pk, found="cancel")], now=timezone.now())
    lines.clear()

    asyncio.run(Courier(NotificationOutbox(), lambda: bool(receiver.seen)).run())

    assert ids(lines, "calls.webhooks.courier") == [GIVEN]
