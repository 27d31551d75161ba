"""Which calls have streams open in this process: the last stream to close ends its call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Presence:
    since: float
    streams: int = 0


class OpenStreams:
    """Counts the open streams of each call. For one event loop: it takes no lock."""

    def __init__(self) -> None:
        self._calls: dict[str, _Presence] = {}

    def join(self, call_id: str, now: float) -> float:
        """Note a stream, and return how many seconds after the call's first one it comes."""
        presence = self._calls.setdefault(call_id, _Presence(since=now))
        presence.streams += 1
        return now - presence.since

    def leave(self, call_id: str) -> bool:
        """Forget a stream, and return whether it was the last one."""
        presence = self._calls[call_id]
        presence.streams -= 1
        if presence.streams:
            return False
        del self._calls[call_id]
        return True


open_streams = OpenStreams()
