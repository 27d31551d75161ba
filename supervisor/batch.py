"""Events as they are sent: put into bytes once, for everybody who is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

import msgspec

from calls import events
from calls.models import CallEvent
from supervisor.protocol import text_frame


def as_frame(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the log, or with an offset of 0 something that is not in it."""

    offset: int
    type: str
    text: str


@dataclass
class Batch:
    """Everything that the log holds after the offset ``after`` and up to the last entry."""

    after: int
    entries: list[Entry]

    @property
    def last(self) -> int:
        return self.entries[-1].offset if self.entries else self.after

    @cached_property
    def frames(self) -> bytes:
        """All of it as WebSocket frames, one for each entry."""
        return b"".join(text_frame(entry.text.encode()) for entry in self.entries)

    def since(self, offset: int) -> Batch:
        """Return what is newer; itself, if that is everything."""
        if offset <= self.after:
            return self
        return Batch(offset, [entry for entry in self.entries if entry.offset > offset])


class BatchMessage(TypedDict):
    """What travels through the channel layer."""

    type: str
    batch: Batch


def of_log(found: Iterable[CallEvent], *, after: int) -> Batch:
    entries = [Entry(event.id, event.type, as_frame(events.as_message(event))) for event in found]
    return Batch(after, entries)


def of_note(message: dict[str, Any]) -> Batch:
    """Return a batch of one message that is not an event, for now only."""
    return Batch(0, [Entry(0, message["type"], as_frame(message))])
