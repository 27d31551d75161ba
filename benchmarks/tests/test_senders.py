"""The senders of the benchmarks count each response for one packet."""

from __future__ import annotations

import asyncio

from benchmarks.overload import senders
from benchmarks.overload.senders import HttpSender, Ledger, Offer

REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Wire(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = []

    def write(self, data):
        self.written.append(data)

    def is_closing(self):
        return False


async def test_a_refused_request_is_sent_once_again_if_the_connection_ends_meanwhile(monkeypatch):
    monkeypatch.setattr(senders, "RETRY_REQUEST_S", 0.01)
    monkeypatch.setattr(HttpSender, "come_back", lambda self, pause_s: None)
    loop, sender = asyncio.get_running_loop(), HttpSender(Offer(kind="single"), Ledger(0.0), 1)
    before, after = Wire(), Wire()

    sender.connection_made(before)
    sender.data_received(REFUSED)
    sender.connection_lost(None)
    sender.connection_made(after)
    planned_until = loop.create_future()
    loop.call_at(loop.time() + 0.02, planned_until.set_result, None)
    await planned_until

    assert after.written == before.written
    assert len(after.written) == 1
