"""Rate limits of keys: 429 with Retry-After, slower sockets, and slow guessing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.core.asgi import get_asgi_application
from rest_framework.test import APIClient

from calls.ingest.express import ExpressLane
from calls.keys import create_key, rotate_key
from calls.keys.guesses import WINDOW_S, Guesses, group_of
from calls.keys.keyring import ApiClient
from calls.keys.last_use import LastUse, last_use, start_thread
from calls.keys.limits import RateLimits, delay_packets, rate_limits
from calls.monitoring.metrics import metrics
from calls.tests.ingest.test_express import Refusing, answer
from calls.tests.ingest.test_malformed import GOOD, Case, doc
from calls.tests.ingest.test_malformed import PACKET as PACKET_URL
from calls.tests.ingest.test_sockets import Sender, body, own_buffer  # noqa: F401 (a fixture)

PACKET = {"sequence": 1, "data": "hello", "timestamp": 0.0}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


CLIENT = ApiClient("PBX", frozenset({"ingest"}), key_id=7)


def test_a_burst_passes_at_once_and_then_one_request_for_each_token():
    clock = Clock()
    limits = RateLimits(clock)

    burst = [limits.take(CLIENT, limit=10, burst=5) for _ in range(5)]
    refused = limits.take(CLIENT, limit=10, burst=5)
    clock.now += 0.1
    later = limits.take(CLIENT, limit=10, burst=5)
    again = limits.take(CLIENT, limit=10, burst=5)

    assert burst == [0.0] * 5
    assert refused == pytest.approx(0.1)
    assert later == 0.0
    assert again == pytest.approx(0.1)


def test_over_a_long_time_the_limit_is_kept_exactly():
    clock = Clock()
    limits = RateLimits(clock)
    passed = 0

    for _ in range(10_000):
        clock.now += 0.001
        passed += not limits.take(CLIENT, limit=100, burst=10)

    assert passed == pytest.approx(100 * 10 + 10, abs=1)


def test_tokens_are_saved_up_to_the_burst_and_no_further():
    clock = Clock()
    limits = RateLimits(clock)
    limits.take(CLIENT, limit=10, burst=5)

    clock.now += 3600

    assert [limits.take(CLIENT, limit=10, burst=5) == 0 for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize(("limit", "most"), [(1, 2), (10, 20), (0.5, 1)])
def test_without_a_burst_a_key_may_use_two_seconds_of_its_limit_at_once(limit, most):
    limits = RateLimits(Clock())

    passed = [limits.take(CLIENT, limit=limit) for _ in range(most + 1)]

    assert passed[:-1] == [0.0] * most
    assert passed[-1] > 0


def test_zero_means_no_limit_and_each_key_has_its_own_bucket():
    limits = RateLimits(Clock())
    other = ApiClient("other", frozenset(), key_id=8)

    assert [limits.take(CLIENT, limit=0) for _ in range(100)] == [0.0] * 100
    assert limits.take(CLIENT, limit=1, burst=1) == 0.0
    assert limits.take(other, limit=1, burst=1) == 0.0
    assert limits.take(other, limit=1, burst=1) > 0


@pytest.fixture
def stopped(monkeypatch) -> Clock:
    """Stop the clock, so that no token comes back during a test."""
    clock = Clock()
    monkeypatch.setattr(rate_limits, "_clock", clock)
    return clock


@pytest.fixture
def limited(settings, db, stopped):
    settings.API_AUTH = "key"

    def make(**terms: object) -> APIClient:
        _, plain = create_key(name="test", scopes=["ingest", "read"], **terms)
        return APIClient(HTTP_AUTHORIZATION=f"Bearer {plain}")

    return make


def test_a_key_over_its_limit_gets_429_and_the_time_to_wait(limited, stopped):
    client = limited(rate_limit=1, rate_burst=2)

    codes = [client.get("/v1/call").status_code for _ in range(3)]
    refused = client.get("/v1/call")
    stopped.now += int(refused["Retry-After"])

    assert codes == [200, 200, 429]
    assert refused["Retry-After"] == "1"
    assert refused["Content-Type"] == "application/json"
    assert refused.json() == {
        "detail": "This API key has used up its limit. Send the request again in 1 s."
    }
    assert client.get("/v1/call").status_code == 200


def test_the_limit_of_the_site_holds_for_keys_without_one_and_does_not_count_packets(
    limited, settings
):
    settings.API_RATE_LIMIT = 1
    client, unlimited = limited(), limited(rate_limit=0)

    packets = [
        client.post("/v1/call/stream/c-1", {**PACKET, "sequence": n}).status_code for n in range(5)
    ]
    reads = [client.get("/v1/call").status_code for _ in range(3)]
    free = [unlimited.get("/v1/call").status_code for _ in range(5)]

    assert packets == [202] * 5
    assert reads == [200, 200, 429]
    assert free == [200] * 5


def test_a_limit_of_the_key_itself_counts_packets_and_batches(limited):
    client = limited(rate_limit=1, rate_burst=2)

    single = client.post("/v1/call/stream/c-1", PACKET)
    batch = client.post("/v1/call/stream/c-1/batch", [{**PACKET, "sequence": 2}])
    refused = client.post("/v1/call/stream/c-1/batch", [{**PACKET, "sequence": 3}])

    assert (single.status_code, batch.status_code, refused.status_code) == (202, 202, 429)
    assert "Retry-After" in refused


def test_both_secrets_of_a_rotated_key_share_one_limit(settings, db, stopped):
    settings.API_AUTH = "key"
    key, old = create_key(name="PBX", scopes=["read"], rate_limit=1, rate_burst=1)
    new = rotate_key(key, overlap=timedelta(hours=1))

    codes = [
        APIClient(HTTP_AUTHORIZATION=f"Bearer {plain}").get("/v1/call").status_code
        for plain in (old, new)
    ]

    assert codes == [200, 429]


def test_people_have_no_limit(person, settings):
    settings.API_AUTH, settings.API_RATE_LIMIT = "key", 1
    client = person("view_call")

    assert [client.get("/v1/call").status_code for _ in range(5)] == [200] * 5


@pytest.mark.django_db(transaction=True)
def test_requests_over_the_limit_are_counted_for_the_admin_and_the_metrics(rf, monkeypatch):
    key, _ = create_key(name="PBX", scopes=["ingest"])
    uses = LastUse(start_thread)

    for _ in range(3):
        uses.count_limited(key.pk)
    uses.finish()

    key.refresh_from_db()
    assert key.limited_count == 3
    line = f'callcenter_api_key_limited_total{{key="{key}"}} 3.0'
    assert line in metrics(rf.get("/metrics")).content.decode()


def test_wrong_keys_are_counted_by_address_and_minute(settings):
    settings.API_KEY_GUESSES = 3
    clock = Clock()
    found = Guesses(clock)

    for _ in range(3):
        assert found.wait_s("192.0.2.1") == 0
        found.note_wrong("192.0.2.1")
    clock.now += 20

    assert found.wait_s("192.0.2.1") == WINDOW_S - 20
    assert found.wait_s("192.0.2.2") == 0
    clock.now += WINDOW_S
    assert found.wait_s("192.0.2.1") == 0
    found.note_wrong("192.0.2.1")
    assert found.wait_s("192.0.2.1") == 0


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_one_sender_is_an_address_or_a_network_of_ipv6(address, group):
    assert group_of(address) == group


def test_the_memory_for_addresses_is_bounded(settings, monkeypatch):
    monkeypatch.setattr("calls.keys.guesses.MOST_ADDRESSES", 100)
    settings.API_KEY_GUESSES = 1
    found = Guesses(Clock())

    for number in range(1000):
        found.note_wrong(f"address {number}")
        found.trust(number, "::1")

    assert len(found._wrong) <= 100
    assert len(found._trusted) <= 100


def test_an_address_that_guesses_keys_gets_429_even_for_a_valid_one(settings, db):
    settings.API_AUTH, settings.API_KEY_GUESSES = "key", 3
    _, plain = create_key(name="PBX", scopes=["read"])

    def get(key: str, address: str = "192.0.2.1") -> int:
        headers = {"HTTP_AUTHORIZATION": f"Bearer {key}", "REMOTE_ADDR": address}
        return APIClient(**headers).get("/v1/call").status_code

    codes = [get(f"wrong {number}") for number in range(4)]

    assert codes == [401, 401, 401, 429]
    assert get(plain) == 429
    assert get(plain, "192.0.2.2") == 200


def test_a_key_that_has_worked_still_works_despite_a_program_with_a_wrong_one(settings, db):
    settings.API_AUTH, settings.API_KEY_GUESSES = "key", 2
    _, plain = create_key(name="PBX", scopes=["read"])
    good = APIClient(HTTP_AUTHORIZATION=f"Bearer {plain}")
    wrong = APIClient(HTTP_AUTHORIZATION="Bearer wrong")
    good.get("/v1/call")

    refused = [wrong.get("/v1/call") for _ in range(3)][-1]

    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= WINDOW_S
    assert "Too many wrong API keys" in refused.json()["detail"]
    assert good.get("/v1/call").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("body_of_it", [doc(GOOD), b"no JSON"], ids=["packet", "malformed"])
async def test_the_fast_lane_counts_a_request_once_and_refuses_like_the_slow_one(
    settings, stopped, body_of_it
):
    settings.API_AUTH = "key"
    terms = {"scopes": ["ingest"], "rate_limit": 1, "rate_burst": 3}
    _, plain = await database_sync_to_async(create_key)(name="pbx", **terms)
    case = Case("key", PACKET_URL, body_of_it, "", headers={"X-API-Key": plain})
    slow_lane = get_asgi_application()

    first = await answer(slow_lane, case)  # and fills the ring
    second = await answer(ExpressLane(slow_lane), case)
    third = await answer(slow_lane, case)
    refused = await answer(ExpressLane(Refusing()), case), await answer(slow_lane, case)

    assert first == second == third
    assert refused[0] == refused[1]
    assert (refused[0][0], refused[0][2]) == (429, "1")


@pytest.mark.django_db(transaction=True)
async def test_a_socket_over_its_limit_is_read_more_slowly_and_loses_nothing(
    settings,
    own_buffer,  # noqa: F811
):
    settings.API_AUTH = "key"
    own_buffer()
    terms = {"scopes": ["ingest"], "rate_limit": 50, "rate_burst": 1}
    _, plain = await database_sync_to_async(create_key)(name="pbx", **terms)
    sender = Sender(headers=[(b"x-api-key", plain.encode())])
    await sender.ready()
    begun_at = asyncio.get_running_loop().time()

    for number in range(11):
        await sender.send_json_to(body(number))
    await sender.acknowledged(11)

    # Ten tokens come in 0.2 s. Without the limit, this takes a few milliseconds.
    assert asyncio.get_running_loop().time() - begun_at >= 0.18
    await sender.disconnect()


async def test_a_frame_that_waits_twice_counts_as_delayed_once(monkeypatch):
    client = ApiClient("PBX", frozenset({"ingest"}), key_id=7, rate_limit=1, rate_burst=1)
    clock, counted, waits = Clock(), [], []

    async def sleep(seconds):
        waits.append(seconds)
        clock.now += seconds
        if len(waits) == 1:
            rate_limits.take(client, limit=1, burst=1)  # another frame was faster

    monkeypatch.setattr(rate_limits, "_clock", clock)
    monkeypatch.setattr(last_use, "count_limited", counted.append)
    monkeypatch.setattr("calls.keys.limits.asyncio.sleep", sleep)
    rate_limits.forget()

    await delay_packets(client)
    await delay_packets(client)

    assert (counted, waits) == ([7], [1.0, 1.0])
