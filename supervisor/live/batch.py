"""Batches of events, serialised once for all clients of this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict

import msgspec

from calls import events
from supervisor.protocol import text_frame

# Bounds the memory of a batch. A longer backlog is read in several.
READ_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One message.

    It moves the client to ``offset`` in the log. None leaves the client's position unchanged.
    """

    offset: int | None
    type: str
    text: str

    def as_stream(self, epoch: str) -> str:
        """Return it as a server-sent event. JSON escapes line breaks, so one line is enough."""
        place = "" if self.offset is None else f"id: {epoch}:{self.offset}\n"
        return f"{place}event: {self.type}\ndata: {self.text}\n\n"


@dataclass
class Batch:
    """All events after the offset ``after``, up to and including ``last``; or a single note."""

    after: int
    last: int
    entries: list[Entry]
    _streams: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def frames(self) -> bytes:
        """All entries as WebSocket frames, one frame per entry."""
        return b"".join(text_frame(entry.text.encode()) for entry in self.entries)

    def as_stream(self, epoch: str) -> bytes:
        """Return all entries as server-sent events."""
        # Encoded once for all clients. There is one epoch, unless the database is replaced.
        if epoch not in self._streams:
            text = "".join(entry.as_stream(epoch) for entry in self.entries)
            self._streams[epoch] = text.encode()
        return self._streams[epoch]

    def since(self, offset: int) -> Batch:
        """Return the entries after an offset. If all are newer, return self, to share its bytes."""
        if offset <= self.after:
            return self
        newer = [entry for entry in self.entries if (entry.offset or 0) > offset]
        return Batch(offset, max(offset, self.last), newer)


class BatchMessage(TypedDict):
    """The message that the feed sends through the channel layer."""

    type: str
    batch: Batch


def read_batch(after: int) -> Batch:
    """Read the events after an offset, READ_LIMIT at most."""
    found = events.read(after=after, limit=READ_LIMIT)
    entries = [Entry(event.id, event.type, _text(events.as_message(event))) for event in found]
    return Batch(after, found[-1].id if found else after, entries)


def of_note(message: dict[str, Any], *, offset: int | None = None) -> Batch:
    """Return a batch of one message that is not an event."""
    return Batch(0, 0, [Entry(offset, message["type"], _text(message))])


def _text(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
