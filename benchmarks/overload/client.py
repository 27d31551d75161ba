"""The client process: `python -m benchmarks.overload.client OFFER` sends and prints a report.

It does not import Django, and runs in a process of its own, so that it does not slow the server.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any

from benchmarks.overload.senders import SENDERS, CarrierSender, Ledger, Offer, Sender
from benchmarks.rig.load import percentile

PATIENCE_S = 60.0  # for the last responses


async def offer_all(offer: Offer) -> dict[str, Any]:
    """Start the senders one after the other, let them send, stop them, and return the report."""
    begin = time.monotonic()
    ledger = Ledger(begin + offer.ramp_s)
    senders: list[Sender] = []
    connecting: list[asyncio.Future[None]] = []  # the loop holds tasks by weak references only
    for number in range(offer.senders):
        due = begin + offer.ramp_s * number / offer.senders
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        sender = SENDERS[offer.kind](offer, ledger, number)
        senders.append(sender)
        connecting.append(asyncio.ensure_future(sender.connect()))
    await asyncio.sleep(max(0.0, begin + offer.seconds - time.monotonic()))
    for sender in senders:
        sender.stop()
    _, unanswered = await asyncio.wait([each.done for each in senders], timeout=PATIENCE_S)
    latencies = sorted(ledger.latencies)
    return {
        "answers": dict(ledger.answers),
        "closed": ledger.closed,
        "acknowledged": ledger.acknowledged,
        "sent": ledger.sent,
        "unanswered": len(unanswered),
        "p50_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
        "measured_from": ledger.measured_from,
        "sent_at": {
            each.phone.call_id: each.sent_at
            for each in senders
            if isinstance(each, CarrierSender) and each.sent_at
        },
    }


if __name__ == "__main__":
    gc.disable()  # a pause of the client must not count as a pause of the server
    sys.stdout.write(json.dumps(asyncio.run(offer_all(Offer(**json.loads(sys.argv[1]))))))
