"""Counts what carriers have sent and the database does not have yet, and says when to stop reading.

Carriers cannot resend, and some consider a socket dead if it is not read. So while the database
refuses packets, reading continues until the process holds CARRIER_MEMORY. If it is only slow, each
stream is slowed down separately.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

STREAM_LIMIT = 256 * 1024  # bytes of messages: about ten seconds of two tracks
MIB = 1024 * 1024


class Memory:
    """Bytes of messages that the streams of this process hold."""

    held = 0


memory = Memory()


class Backlog:
    """What one stream holds. Bytes of messages stand for the memory that their audio takes."""

    def __init__(self) -> None:
        self.is_refused = False  # the database is unavailable, as opposed to slow
        self._held = 0
        self._limit = settings.CARRIER_MEMORY * MIB  # read once: this is asked for each message

    def add(self, message: dict[str, Any]) -> None:
        size = len(message.get("text") or message.get("bytes") or "")
        self._held += size
        memory.held += size

    def mark(self) -> int:
        """Return what is held now, to be released when all of it is stored."""
        return self._held

    def release(self, size: int) -> None:
        self._held -= size
        memory.held -= size

    def clear(self) -> None:
        self.release(self._held)

    def is_full(self) -> bool:
        return memory.held >= self._limit or (self._held >= STREAM_LIMIT and not self.is_refused)
