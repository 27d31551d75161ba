"""Records what the feed says about calls: `python -m benchmarks.live.subscriber LOAD`.

It follows until its standard input is closed, and prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import connect


async def follow(*, port: int, key: str, call_ids: list[str]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []

    async def listen() -> None:
        address = f"ws://127.0.0.1:{port}/stream/ws/supervisor"
        headers = {"Authorization": f"Bearer {key}"}
        async with connect(address, additional_headers=headers, max_size=None) as socket:
            await socket.send(json.dumps({"type": "subscribe", "call_ids": call_ids}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "live_transcript":
                    messages.append(message)

    listening = asyncio.create_task(listen())
    told = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait({listening, told}, return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        listening.result()
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    return {"messages": messages}


def main() -> None:
    sys.stdout.write(json.dumps(asyncio.run(follow(**json.loads(sys.argv[1])))))


if __name__ == "__main__":
    main()
