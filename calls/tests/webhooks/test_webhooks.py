"""Webhooks: what is sent, where it may go, how it is signed, and what follows a failure."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpcore
import pytest
from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import raise_alerts
from calls.models import (
    AlertRule,
    Call,
    CallEvent,
    WebhookDelivery,
    WebhookEndpoint,
    WorkerHeartbeat,
)
from calls.models.webhook import new_secret
from calls.tests.fake_server import RESET, FakeServer, Reply
from calls.webhooks import addresses, services
from calls.webhooks.addresses import is_allowed
from calls.webhooks.outbox import AT_ONCE_EACH
from calls.webhooks.retry import (
    MAX_ATTEMPTS,
    GiveUpDelivery,
    Outcome,
    RetryDelivery,
    decide,
)
from calls.webhooks.sender import Message, send

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "alerts.md"
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture
def receiver():
    with FakeServer() as running:
        running.misbehave = lambda _: Reply(204)
        yield running


@pytest.fixture
def endpoint(db):
    return WebhookEndpoint.objects.create(
        name="crm", url="https://crm.example.com/hook", secret=SECRET, state_changes=True
    )


def raise_one(call_id, queue=""):
    call = Call.objects.create(call_id=call_id, queue=queue)
    rule, _ = AlertRule.objects.get_or_create(
        name="Leaving", defaults={"kind": "words", "phrases": "cancel"}
    )
    return raise_alerts([AlertMatch(rule, call.pk, found="“cancel”")], now=timezone.now())


def message(url):
    return Message(url, (SECRET,), "alert_raised_1_1", '{"type": "alert_raised"}')


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::",
        "64:ff9b:1::7f00:1", "::ffff:0:127.0.0.1", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address):
    assert not is_allowed(address, "none")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14"])
def test_public_addresses_are_allowed(address):
    assert is_allowed(address, "none")


def test_loopback_may_be_allowed_without_the_rest():
    assert is_allowed("127.0.0.1", "loopback")
    assert is_allowed("::1", "loopback")
    assert not is_allowed("10.0.0.1", "loopback")
    assert is_allowed("10.0.0.1", "all")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f.1", "[::1]"]
)
async def test_no_spelling_of_a_private_host_is_connected_to(receiver, host):
    port = receiver.url.rpartition(":")[2]

    outcome = await send(message(f"http://{host}:{port}/hook"), allowance="none")

    assert not outcome.is_success
    assert "not a public address" in outcome.error or "Invalid IPv4" in outcome.error
    assert receiver.seen == []


async def test_a_message_is_signed_over_id_time_and_body(receiver):
    outcome = await send(message(f"{receiver.url}/hook"), allowance="loopback")

    (seen,) = receiver.seen
    headers = {name.lower(): value for name, value in seen.headers.items()}
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
    digest = hmac.new(KEY, content + b'{"type": "alert_raised"}', hashlib.sha256).digest()
    assert outcome.is_success
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert headers["webhook-id"] == "alert_raised_1_1"


@pytest.mark.parametrize(
    ("reply", "status", "told"),
    [
        (Reply(500), 500, "The receiver returned 500."),
        (Reply(302, headers="Location: http://127.0.0.1/elsewhere\r\n"), 302, "302"),
        (RESET, None, ""),
        (Reply(204, delay=2.0), None, "No response within 0.3 s."),
    ],
    ids=["error", "redirect", "reset", "slow"],
)
async def test_every_behaviour_of_a_receiver_is_an_outcome_not_an_error(
    receiver, reply, status, told
):
    receiver.misbehave = lambda _: reply

    outcome = await send(message(f"{receiver.url}/hook"), allowance="loopback", timeout_s=0.3)

    assert outcome.status == status
    assert not outcome.is_success
    assert told in outcome.told
    assert len(receiver.seen) == 1  # a redirect is not followed


def test_an_attempt_leads_to_the_right_decision():
    waits = [decide(Outcome(status=500), attempt=attempt) for attempt in (1, 2, 3, 20)]
    seconds = [wait.wait.total_seconds() for wait in waits]

    assert decide(Outcome(status=204), attempt=1) is None
    assert 5 <= seconds[0] <= 6 < seconds[1] < seconds[2]
    assert 3600 <= seconds[3] <= 3960
    assert decide(Outcome(429, retry_after_s=90), attempt=1) == RetryDelivery(timedelta(seconds=90))
    assert isinstance(decide(Outcome(status=410), attempt=1), GiveUpDelivery)
    assert isinstance(decide(Outcome(error="reset"), attempt=MAX_ATTEMPTS), GiveUpDelivery)


def test_each_selected_event_becomes_one_message(endpoint):
    raise_one("c-1")

    assert services.queue_messages() == 1
    assert services.queue_messages() == 0

    delivery = WebhookDelivery.objects.get()
    body = json.loads(delivery.body)
    assert (delivery.type, body["type"]) == ("alert_raised", "alert_raised")
    assert body["data"]["call_id"] == "c-1"
    assert body["data"]["rule"] == "Leaving"


def test_an_endpoint_of_one_queue_gets_no_other_events(endpoint):
    WebhookEndpoint.objects.update(queue="billing")
    raise_one("c-1", queue="sales")
    raise_one("c-2", queue="billing")

    services.queue_messages()

    assert [json.loads(row.body)["data"]["call_id"] for row in WebhookDelivery.objects.all()] == [
        "c-2"
    ]


def test_an_enabled_endpoint_continues_where_it_stopped(endpoint):
    WebhookEndpoint.objects.update(enabled=False)
    raise_one("c-1")
    assert services.queue_messages() == 0

    WebhookEndpoint.objects.update(enabled=True)

    assert services.queue_messages() == 1


def claim_one(now):
    (claim,) = services.OUTBOX.claim(limit=10, busy={}, now=now)
    return claim


def test_a_message_claimed_by_a_dead_sender_is_due_again(endpoint):
    services.queue_test(endpoint)
    now = timezone.now()

    first = claim_one(now)

    assert services.OUTBOX.claim(limit=10, busy={}, now=now) == []
    second = claim_one(now + timedelta(seconds=services.CLAIM_S + 1))
    services.OUTBOX.record(first, Outcome(status=204), now=now)  # too late: fenced off
    assert WebhookDelivery.objects.get().state == "pending"
    services.OUTBOX.record(second, Outcome(status=204), now=now)
    assert WebhookDelivery.objects.get().state == "delivered"


def test_an_endpoint_that_is_gone_is_disabled_and_says_why(endpoint):
    services.queue_test(endpoint)
    now = timezone.now()

    services.OUTBOX.record(claim_one(now), Outcome(status=410), now=now)

    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert "410" in endpoint.disabled_reason
    assert WebhookDelivery.objects.get().state == "given_up"


def test_an_endpoint_that_fails_for_days_is_disabled_unless_one_message_succeeds(endpoint):
    services.queue_test(endpoint)
    begin = timezone.now()
    services.OUTBOX.record(claim_one(begin), Outcome(status=500), now=begin)
    endpoint.refresh_from_db()
    assert endpoint.enabled
    assert endpoint.failing_since == begin

    later = begin + timedelta(days=3, seconds=1)
    services.OUTBOX.record(claim_one(later), Outcome(error="no route"), now=later)

    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert "no route" in endpoint.disabled_reason


def test_a_message_can_be_sent_again_under_its_old_id(endpoint):
    services.queue_test(endpoint)
    now = timezone.now()
    first = claim_one(now)
    services.OUTBOX.record(first, Outcome(status=204), now=now)

    assert services.OUTBOX.redeliver(delivery_pk=first.pk)

    assert claim_one(timezone.now()).message.message_id == first.message.message_id


def test_metrics_count_deliveries_and_waiting_messages(endpoint, client):
    for _ in range(3):
        services.queue_test(endpoint)
    now = timezone.now()
    first, second, third = services.OUTBOX.claim(limit=10, busy={}, now=now)
    services.OUTBOX.record(first, Outcome(status=204), now=now)
    services.OUTBOX.record(second, Outcome(status=500), now=now)
    services.OUTBOX.record(third, Outcome(status=410), now=now)
    raise_one("c-1")
    WebhookEndpoint.objects.create(name="other", url="https://x.example.com", secret=SECRET)
    CallEvent.objects.update(at=now - timedelta(seconds=90))

    text = client.get("/metrics").content.decode()

    assert 'webhook_tries_total{endpoint="crm",outcome="delivered"} 1.0' in text
    assert 'webhook_tries_total{endpoint="crm",outcome="failed"} 2.0' in text
    assert 'webhook_tries_total{endpoint="crm",outcome="given_up"} 1.0' in text
    assert 'callcenter_webhook_enabled{endpoint="crm"} 0.0' in text
    assert 'callcenter_alerts_open{severity="warning"} 1.0' in text
    assert float(re.search(r"webhook_oldest_seconds (\d\S+)", text)[1]) >= 90


def test_operators_see_a_disabled_endpoint_once(endpoint, client):
    for _ in range(2):
        services.queue_test(endpoint)
    now = timezone.now()

    for claim in services.OUTBOX.claim(limit=10, busy={}, now=now):
        services.OUTBOX.record(claim, Outcome(status=410), now=now)

    event = CallEvent.objects.get(type="webhook_disabled")
    assert (event.call, event.data["endpoint"]) == (None, "crm")
    WorkerHeartbeat.objects.create(name="w", started_at=now, seen_at=now)
    assert "Webhook crm is disabled" in client.get("/readyz").json()["notes"][0]


def test_an_endpoint_gets_its_share_and_one_message_at_a_time_while_it_fails(endpoint):
    other = WebhookEndpoint.objects.create(name="b", url="https://b.example.com", secret=SECRET)
    for _ in range(20):
        services.queue_test(endpoint)
    services.queue_test(other)
    now = timezone.now()

    first = services.OUTBOX.claim(limit=100, busy={}, now=now)
    taken = Counter(claim.receiver_pk for claim in first)
    busy = services.OUTBOX.claim(limit=100, busy=taken, now=now)
    of_crm = next(claim for claim in first if claim.receiver_pk == endpoint.pk)
    services.OUTBOX.record(of_crm, Outcome(status=500), now=now)
    failing = services.OUTBOX.claim(limit=100, busy={}, now=now)

    assert taken == {endpoint.pk: AT_ONCE_EACH, other.pk: 1}
    assert busy == []
    assert len(failing) == 1


def test_a_message_that_is_sent_again_is_not_closed_by_the_earlier_sender(endpoint):
    services.queue_test(endpoint)
    now = timezone.now()
    slow = claim_one(now)

    services.OUTBOX.redeliver(delivery_pk=slow.pk)
    again = claim_one(timezone.now())
    services.OUTBOX.record(slow, Outcome(status=500), now=now)

    assert (again.attempt, slow.attempt) == (1, 1)
    assert WebhookDelivery.objects.get().status_code is None


def test_for_a_day_after_a_rotation_both_secrets_verify(receiver, endpoint):
    old = endpoint.secret
    rotated = services.rotate_secret(endpoint_pk=endpoint.pk)
    now = timezone.now()
    body = '{"type": "alert_raised"}'
    sent = Message(f"{receiver.url}/hook", rotated.secrets_at(now), "m_1", body)

    asyncio.run(send(sent, allowance="loopback"))

    headers = receiver.seen[0].headers
    assert is_ours(old, headers, body.encode())
    assert is_ours(rotated.secret, headers, body.encode())
    assert not is_ours(new_secret(), headers, body.encode())
    later = now + services.ROTATION + timedelta(seconds=1)
    assert rotated.secrets_at(later) == (rotated.secret,)


async def test_the_beginning_of_any_response_is_kept(receiver):
    receiver.misbehave = lambda _: Reply(500, "no such tenant \x00\x1b[31m" + "x" * 5000)

    outcome = await send(message(f"{receiver.url}/hook"), allowance="loopback")

    assert outcome.status == 500
    assert outcome.response.startswith('"no such tenant')
    assert len(outcome.response) <= 500
    assert outcome.response.isprintable()


async def test_a_host_name_is_resolved_only_once(receiver, monkeypatch):
    port = int(receiver.url.rpartition(":")[2])
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]])
    connected = []

    async def resolve(host, port):
        return next(answers)

    async def connect(self, host, port, *rest, **options):
        connected.append(host)
        raise httpcore.ConnectError("not in a test")

    monkeypatch.setattr(addresses, "resolve", resolve)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)

    await send(message(f"http://rebind.example.com:{port}/hook"), allowance="none")
    second = await send(message(f"http://rebind.example.com:{port}/hook"), allowance="none")

    assert connected == ["93.184.215.14"]  # what was checked, and never the name
    assert "127.0.0.1, which is not a public address" in second.error


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    async def resolve(host, port):
        return ["93.184.215.14", "10.0.0.1"]

    monkeypatch.setattr(addresses, "resolve", resolve)

    outcome = await send(message("https://both.example.com/"), allowance="none")

    assert "10.0.0.1, which is not a public address" in outcome.error


def is_ours(secret, headers, body):
    """Verify with the code that docs/alerts.md prints."""
    code = re.search(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)[1]
    scope = {}
    exec(code, scope)
    return scope["is_ours"](secret, headers, body)
