"""A real worker with a server that is down for longer than all attempts of a call would take."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import get, post, wait_until
from calls.tests.analysis.providers.fake_openai import FakeOpenAI, Reply, Seen, failing

pytestmark = pytest.mark.processes
# Ten minutes against 2 + 4 + 8 + 16 s of waiting, a hundred times quicker.
BASE_S, OUTAGE_S = 0.02, 6.0
CALLS = 30


class Flaky(FakeOpenAI):
    """Runs in a thread of its own, and answers 503 while ``is_down``."""

    is_down = True

    def _well_behaved(self, seen: Seen) -> Reply:
        return failing(503, "Overloaded") if self.is_down else super()._well_behaved(seen)


@pytest.fixture
def ai() -> Iterator[Flaky]:
    server, ready, leave = Flaky(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with server:
            ready.set()
            await asyncio.to_thread(leave.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(5)
    yield server
    leave.set()
    thread.join()


def end_calls(address: str) -> list[str]:
    names = [f"waits-{number}" for number in range(CALLS)]
    for name in names:
        packet = {"sequence": 1, "data": f"My card is lost, {name}.", "timestamp": 1.0}
        post(f"{address}/v1/call/stream/{name}", packet)
        post(f"{address}/v1/call/{name}/end")
    return names


def states(address: str) -> list[str]:
    return [call["state"] for call in get(f"{address}/v1/call?limit=100")["results"]]


@pytest.mark.slow
def test_a_provider_that_is_down_for_long_costs_no_call_an_attempt(tmp_path, ai):
    knobs = {
        "AI_PROVIDER": "openai",
        "OPENAI_BASE_URL": ai.url,
        "AI_BREAKER_FAILURES": "5",
        "AI_BREAKER_SECONDS": "0.3",
        "AI_RETRY_BASE": str(BASE_S),
    }
    with Service(tmp_path, **knobs) as service:
        address = service.web()
        service.worker()
        began_at = time.monotonic()
        names = end_calls(address)
        down = f"{address}/v1/analysis"
        wait_until(lambda: get(down)["outages"], what="the breaker")
        wait_until(lambda: time.monotonic() - began_at > OUTAGE_S, what="the end of the outage")
        (outage,) = get(down)["outages"]
        asked_meanwhile = len(ai.seen)

        ai.is_down = False

        wait_until(lambda: set(states(address)) == {"ARCHIVED"}, patience_s=30, what="the archive")
        attempts = [get(f"{address}/v1/call/{name}")["attempts"] for name in names]
        news = [e["type"] for e in get(f"{address}/v1/events?limit=1000")["results"]]
        lost = [a for own in attempts for a in own if a["outcome"] == "failed"]
        assert (outage["provider"], outage["stage"]) == ("openai", "understand")
        assert outage["waiting"] == CALLS
        # Before it was known to be down a few attempts failed; nearly all of the wait was free.
        assert len(lost) < CALLS
        assert max(a["number"] for own in attempts for a in own) < 5
        assert asked_meanwhile < 3 * CALLS
        assert (news.count("provider_down"), news.count("provider_back")) == (1, 1)
        assert get(down)["outages"] == []
