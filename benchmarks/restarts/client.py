"""The client process: `python -m benchmarks.restarts.client LOAD` sends and prints a report.

It runs for its time, and until its standard input is closed. It does not import Django, and runs
in a process of its own, so that it does not slow the server.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any

from benchmarks.overload.senders import Ledger, Offer
from benchmarks.restarts.callers import Ends, make_callers
from benchmarks.rig.load import percentile

PATIENCE_S = 30.0  # for the last responses


async def call(offer: Offer, *, sockets: int, ends_per_s: float) -> dict[str, Any]:
    begin = time.monotonic()
    ledger = Ledger(begin + offer.ramp_s)
    callers = make_callers(offer, ledger, sockets=sockets)
    connecting = []
    for number, caller in enumerate(callers):
        due = begin + offer.ramp_s * number / len(callers)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        connecting.append(asyncio.ensure_future(caller.connect()))
    ends, over = Ends(offer, ledger.answers), asyncio.Event()
    ending = asyncio.create_task(ends.run(ends_per_s, over))
    await asyncio.gather(
        asyncio.sleep(begin + offer.seconds - time.monotonic()), asyncio.to_thread(sys.stdin.read)
    )
    seconds = time.monotonic() - begin
    over.set()
    await ending
    for caller in callers:
        caller.stop()
    _, unanswered = await asyncio.wait([each.done for each in callers], timeout=PATIENCE_S)
    latencies = sorted(ledger.latencies)
    return {
        "answers": dict(ledger.answers),
        "acknowledged": {each.phone.call_id: each.acknowledged for each in callers},
        "ended": ends.ended,
        "unanswered": len(unanswered),
        "per_s": len(latencies) / max(1.0, seconds - offer.ramp_s),
        "p50_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
    }


if __name__ == "__main__":
    gc.disable()  # a pause of the client must not count as a pause of the server
    load = json.loads(sys.argv[1])
    told = asyncio.run(
        call(Offer(**load["offer"]), sockets=load["sockets"], ends_per_s=load["ends_per_s"])
    )
    sys.stdout.write(json.dumps(told))
