"""Kills the web process repeatedly, and compares the state of every client afterwards."""

from __future__ import annotations

import asyncio
import random
from asyncio.subprocess import Process
from collections.abc import Callable
from typing import Any

from benchmarks.feed.replicas import Replica, State
from benchmarks.rig.databases import Database
from benchmarks.rig.servers import RunError, Server

# At random, so that servers also die while clients are still connecting or catching up.
LIFE_S = (1.0, 4.0)
# At 100 events a second, a client misses more in this time than the server replays.
ABSENCE_S = 15.0
ABSENT_SHARE = 5
PATIENCE_S = 90.0


async def survive(
    server: Server, database: Database, load: Process, *, count: int, kills: int
) -> dict[str, Any]:
    """Kill the server while ``load`` makes events, then compare the state of each client."""
    replicas = [
        Replica(server.port, absence_s=0.0 if number % ABSENT_SHARE else ABSENCE_S)
        for number in range(count)
    ]
    fresh = Replica(server.port)
    tasks = [asyncio.create_task(replica.run()) for replica in replicas]
    try:
        await _until(lambda: all(each.is_live for each in replicas), "every client to be live")
        for _ in range(kills):
            await asyncio.sleep(random.uniform(*LIFE_S))
            if load.returncode is not None:
                raise RunError("The process that makes events failed.")
            server.kill()
            server.launch()
            # In a thread, because the clients run on this event loop.
            await asyncio.to_thread(server.wait)
        load.terminate()
        await load.wait()
        tasks.append(asyncio.create_task(fresh.run()))
        await _settle(
            [fresh, *replicas], head=database.count("SELECT max(id) FROM calls_callevent")
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return _compare(replicas, fresh, database)


async def _settle(everybody: list[Replica], *, head: int) -> None:
    await _until(
        lambda: all(each.is_live and each.offset >= head for each in everybody),
        "every client to catch up",
    )


def _compare(replicas: list[Replica], fresh: Replica, database: Database) -> dict[str, Any]:
    # Calls older than a snapshot are unknown to a fresh client, so only what it knows must agree.
    truth = database.call_states()
    return {
        "clients": len(replicas),
        "lost_connections": sum(replica.losses for replica in replicas),
        "replays": sum(replica.replays for replica in replicas),
        "snapshots": sum(replica.snapshots for replica in replicas),
        "events": fresh.offset,
        "calls": len(truth),
        "calls_of_a_fresh_client": len(fresh.calls),
        "differing_clients": sum(
            differs(replica.calls, fresh.calls, truth) for replica in replicas
        ),
    }


def differs(known: dict[str, State], fresh: dict[str, State], truth: dict[str, State]) -> bool:
    """Return whether a client lacks a call that a fresh one has, or has a wrong state."""
    lacks = not fresh.keys() <= known.keys()
    return lacks or any(truth.get(call_id) != state for call_id, state in (known | fresh).items())


async def _until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(round(PATIENCE_S / 0.1)):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise RunError(f"Waited {PATIENCE_S:g} s for {what}.")
