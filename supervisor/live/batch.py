"""Batches of events, serialised once for all clients of this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypedDict

import msgspec

from calls import events
from calls.events.people import CallReassigned, PeopleChanged
from calls.models import CallEvent
from calls.visibility import Sight
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
    event: CallEvent | None = None

    def seen_with(self, sight: Sight) -> Entry | None:
        """Return it for clients with this sight: itself, that its call has left, or nothing."""
        event = self.event
        if event is None or sight.shows(event):
            return self
        if event.type != CallReassigned.type or not sight.covers(**event.data):
            return None
        told = {**events.as_message(event), "type": "call_hidden", "state": "", "data": {}}
        return Entry(self.offset, "call_hidden", _text(told))

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
    oldest_at: datetime | None = None  # of its events
    _streams: dict[str, bytes] = field(default_factory=dict)
    _seen: dict[Sight, Batch] = field(default_factory=dict)

    def seen_with(self, sight: Sight) -> Batch:
        """Return what clients with this sight get, made once for all of them."""
        if sight.is_all:
            return self
        if sight not in self._seen:
            self._seen[sight] = self._narrowed(sight)
        return self._seen[sight]

    @cached_property
    def changes_people(self) -> bool:
        return any(entry.type == PeopleChanged.type for entry in self.entries)

    def hidden_from(self, sight: Sight) -> list[str]:
        """Return the ids of calls that changed and are out of sight."""
        found = (entry.event for entry in self.entries if entry.event)
        return [event.call.call_id for event in found if event.call and not sight.shows(event)]

    def _narrowed(self, sight: Sight) -> Batch:
        seen = [entry for each in self.entries if (entry := each.seen_with(sight))]
        last = self.entries[-1] if self.entries else None
        # The position of the client follows the log, or it would ask for what it may not see.
        if last and last.offset is not None and (not seen or seen[-1].offset != last.offset):
            seen.append(_skipped(last.offset))
        return Batch(self.after, self.last, seen)

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
    entries = [
        Entry(event.id, event.type, _text(events.as_message(event)), event) for event in found
    ]
    oldest_at = min((event.at for event in found), default=None)
    return Batch(after, found[-1].id if found else after, entries, oldest_at)


def of_note(message: dict[str, Any], *, offset: int | None = None) -> Batch:
    """Return a batch of one message that is not an event."""
    return Batch(0, 0, [Entry(offset, message["type"], _text(message))])


class Counters(Batch):
    """A sample of the counters of live calls, each with its agent and queue."""

    def __init__(self, calls: list[dict[str, Any]], at: str) -> None:
        self.calls, self.at = calls, at
        named = ("agent", "queue")
        shown = [{name: call[name] for name in call if name not in named} for call in calls]
        message = {"type": "counters", "calls": shown, "at": at}
        super().__init__(0, 0, [Entry(None, "counters", _text(message))])

    def _narrowed(self, sight: Sight) -> Batch:
        seen = [call for call in self.calls if sight.covers(call["agent"], call["queue"])]
        return Counters(seen, self.at) if seen else Batch(0, 0, [])


class FiguresFor(Batch):
    """Figures that everybody with this sight gets, and nobody else."""

    def __init__(self, sight: Sight, message: dict[str, Any]) -> None:
        super().__init__(0, 0, [Entry(None, message["type"], _text(message))])
        self.sight = sight

    def seen_with(self, sight: Sight) -> Batch:
        return self if sight == self.sight else Batch(0, 0, [])


def _skipped(offset: int) -> Entry:
    message: dict[str, Any] = {
        "type": "skipped",
        "call_id": None,
        "state": "",
        "data": {},
        "offset": offset,
    }
    return Entry(offset, "skipped", _text(message))


def _text(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
