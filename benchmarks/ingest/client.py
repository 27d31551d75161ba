"""The client process: `python -m benchmarks.ingest.client LOAD` sends packets and prints a report.

It runs in its own process, so its CPU time is counted separately. It does not import Django.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from benchmarks.ingest.carriers import CarrierConnection, stream
from benchmarks.ingest.connections import Connection, HttpConnection, SocketConnection
from benchmarks.rig.load import Load, Tally
from benchmarks.rig.phones import Phone, share

PATIENCE_S = 30.0  # for the last responses
Runner = Callable[[Coroutine[Any, Any, dict[str, Any]]], dict[str, Any]]


async def drive(load: Load) -> dict[str, Any]:
    """Send until the time is over, wait for the last responses, and return the report."""
    tally = Tally(load)
    cpu, wall = time.process_time(), time.perf_counter()
    connections = open_connections(load, tally)
    if load.until_told:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _listen, tally)
    await asyncio.gather(*(connection.connect() for connection in connections))
    while not tally.is_over(time.perf_counter()):  # noqa: ASYNC110 (the condition is the clock)
        await asyncio.sleep(0.05)
    share_of_cpu = (time.process_time() - cpu) / (time.perf_counter() - wall)
    _, unfinished = await asyncio.wait([c.finished for c in connections], timeout=PATIENCE_S)
    tally.errors += len(unfinished)
    return {**tally.summary(), "client_cpu": share_of_cpu}


async def drive_carriers(load: Load) -> dict[str, Any]:
    """Stream calls as a carrier does, and return the time of each frame."""
    tally = Tally(load)
    names = [f"{load.prefix}-{number}" for number in range(load.connections)]
    connections = [CarrierConnection(load, tally, name) for name in names]
    await asyncio.gather(*(connection.connect() for connection in connections))
    cpu, wall = time.process_time(), time.perf_counter()
    seen = await stream(load, connections)
    seen["client_cpu"] = (time.process_time() - cpu) / (time.perf_counter() - wall)
    _, unfinished = await asyncio.wait([c.finished for c in connections], timeout=PATIENCE_S)
    return {**seen, "errors": tally.errors + len(unfinished)}


def open_connections(load: Load, tally: Tally) -> Sequence[Connection]:
    if load.kind == "websocket":
        phones = [Phone(f"{load.prefix}-{number}") for number in range(load.connections)]
        return [SocketConnection(load, tally, phone) for phone in phones]
    phones = [Phone(f"{load.prefix}-{number}") for number in range(load.calls)]
    return [HttpConnection(load, tally, mine) for mine in share(phones, load.connections)]


def _listen(tally: Tally) -> None:
    # Nothing to read means that the parent has closed the pipe: the last kill is over.
    if not os.read(sys.stdin.fileno(), 1):
        tally.told = True
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def _runner() -> Runner:
    with suppress(ImportError):
        import uvloop

        return uvloop.run
    return asyncio.run


def main() -> None:
    gc.disable()  # a pause of the client must not count as a pause of the server
    load = Load(**json.loads(sys.argv[1]))
    result = _runner()(drive_carriers(load) if load.kind == "carrier" else drive(load))
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
