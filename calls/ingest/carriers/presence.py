"""Counts each call's open streams in this process. The last stream to close ends its call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Presence:
    since: float
    streams: int = 0


class OpenStreams:
    """The open streams of each call. Use it from one event loop only: it takes no lock."""

    def __init__(self) -> None:
        self._calls: dict[str, _Presence] = {}

    def join(self, call_id: str, now: float) -> float:
        """Add a stream. Returns the seconds since the call's first stream."""
        presence = self._calls.setdefault(call_id, _Presence(since=now))
        presence.streams += 1
        return now - presence.since

    def leave(self, call_id: str) -> bool:
        """Remove a stream. Returns whether it was the last one."""
        presence = self._calls[call_id]
        presence.streams -= 1
        if presence.streams:
            return False
        del self._calls[call_id]
        return True


open_streams = OpenStreams()
