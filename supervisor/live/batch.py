"""Events as they are sent: put into bytes once, for everybody who is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict

import msgspec

from calls import events
from supervisor.protocol import text_frame

READ_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One message. ``offset`` is the place in the log of who has it; None: where it was."""

    offset: int | None
    type: str
    text: str

    def as_stream(self, epoch: str) -> str:
        """Return it as a server-sent event. JSON has no line breaks, so one line holds it."""
        place = "" if self.offset is None else f"id: {epoch}:{self.offset}\n"
        return f"{place}event: {self.type}\ndata: {self.text}\n\n"


@dataclass
class Batch:
    """Everything that the log holds after the offset ``after`` and up to ``last``; or a note."""

    after: int
    last: int
    entries: list[Entry]
    _streams: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def frames(self) -> bytes:
        """All of it as WebSocket frames, one for each entry."""
        return b"".join(text_frame(entry.text.encode()) for entry in self.entries)

    def as_stream(self, epoch: str) -> bytes:
        """Return all of it as server-sent events."""
        if epoch not in self._streams:
            text = "".join(entry.as_stream(epoch) for entry in self.entries)
            self._streams[epoch] = text.encode()
        return self._streams[epoch]

    def since(self, offset: int) -> Batch:
        """Return what of the log is newer; itself, if that is everything."""
        if offset <= self.after:
            return self
        newer = [entry for entry in self.entries if (entry.offset or 0) > offset]
        return Batch(offset, max(offset, self.last), newer)


class BatchMessage(TypedDict):
    """What travels through the channel layer."""

    type: str
    batch: Batch


def read_batch(after: int) -> Batch:
    """Read what the log holds after an offset, or the beginning of it."""
    found = events.read(after=after, limit=READ_LIMIT)
    entries = [Entry(event.id, event.type, _text(events.as_message(event))) for event in found]
    return Batch(after, found[-1].id if found else after, entries)


def of_note(message: dict[str, Any], *, offset: int | None = None) -> Batch:
    """Return a batch of one message that is not an event."""
    return Batch(0, 0, [Entry(offset, message["type"], _text(message))])


def _text(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
